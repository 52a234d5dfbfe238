import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { TimedRun } from './measure/timed-run.ts';
import type { WarmUp } from './measure/warm-up.ts';
import type { MeterReading } from './observe/meter.ts';
import type { OtherLoad } from './observe/other-load.ts';
import type { SchemaFacts } from './observe/schema-facts.ts';
import type { Utilisation } from './observe/utilisation.ts';
import type { PlanRecord } from './plans/plan-record.ts';
import type { DataFacts } from './result.ts';
import { type RawSamples, rawSamples } from './store/raw-samples.ts';
import type { Suite } from './suite/query.ts';

export interface PointOptions {
  /** Filled and vacuumed. */
  readonly workspace: ConnectionSettings;
  readonly suite: Suite;
  readonly data: DataFacts;
  readonly clients: number;
  /** Timed runs of each query. */
  readonly samples: number;
  /** Of a query that these leave undecided. */
  readonly maxSamples: number;
  /** Requests per second of an open loop; null for a closed loop. */
  readonly ratePerSecond: number | null;
  /** Whether statements that come again are prepared. */
  readonly prepare: boolean;
  /** Event loops; null: as many as the warm-up shows to be needed. */
  readonly workers: number | null;
  /** For all of it; the figures are what there is then. */
  readonly limitMs: number;
  readonly objectives: Objectives;
}

/** All that was seen of one size at one concurrency, not yet judged: its run may go on while its database is there. */
export interface MeasuredPoint {
  readonly options: PointOptions;
  /** What the suite drew. */
  readonly parameters: unknown;
  /** Event loops that shared the clients. */
  readonly workers: number;
  readonly warm: WarmUp;
  readonly run: TimedRun;
  readonly plans: readonly PlanRecord[];
  readonly queryIds: ReadonlyMap<string, readonly string[]>;
  readonly facts: SchemaFacts;
  /** What the server counted, and what else it did, while the first samples were taken. */
  readonly reading: MeterReading;
  readonly other: OtherLoad;
  readonly utilisations: readonly Utilisation[];
  /** Rounds in which queries whose latency was undecided ran further. */
  readonly furtherRounds: number;
  /** False when it was interrupted. */
  readonly complete: boolean;
}

/** Every sample of it, query by query. */
export function rawOf({ options, run }: Pick<MeasuredPoint, 'options' | 'run'>): readonly RawSamples[] {
  return options.suite.queries.map(({ name }, place) => rawSamples(name, run.of(place)));
}
