import type { BenchResult } from '../../bench/index.ts';
import type { Provenance, VerifiedFile } from '../../catalog/index.ts';
import type { Objectives } from '../../config/schema.ts';
import type { PastDrill } from '../../drill/index.ts';
import type { VerifyResult } from '../../migrate/index.ts';
import type { Fact } from '../../monitor/facts/fact.ts';
import type { Facts } from '../../monitor/facts/facts.ts';
import type { PromiseVerdict } from '../../monitor/promise.ts';

/** The catalogs with what is behind them, and the files that were compared with them for this report. */
export interface CatalogEvidence extends Provenance {
  readonly compared: readonly VerifiedFile[];
}

/** Whether `monitor serve` is there. */
export interface ServiceEvidence {
  /** What was asked. */
  readonly url: string;
}

/** All that a report is made of. What could not be read says why, and proves nothing. */
export interface Evidence {
  readonly at: Date;
  readonly objectives: Objectives;
  /** `structdb on localhost:5432` */
  readonly database: string;
  /** null where it did not answer. */
  readonly serverVersion: string | null;
  readonly facts: Facts;
  readonly promises: readonly PromiseVerdict[];
  /** The schema against what its migrations make. */
  readonly schema: Fact<VerifyResult>;
  readonly catalogs: Fact<CatalogEvidence>;
  /** The newest stored run; null where there is none. */
  readonly bench: Fact<BenchResult | null>;
  /** Every drill of this cluster that left evidence, oldest first. */
  readonly drills: Fact<readonly PastDrill[]>;
  readonly service: Fact<ServiceEvidence>;
}
