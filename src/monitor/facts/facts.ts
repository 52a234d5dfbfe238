import type { PastDrill } from '../../drill/history/index.ts';
import type { StatusResult } from '../../migrate/index.ts';
import type { WalStatusResult } from '../../wal/index.ts';
import type { Fact } from './fact.ts';

/** The newest backup of a tier. */
export interface TierFacts {
  readonly tier: 'daily' | 'weekly' | 'monthly';
  readonly store: string;
  readonly kind: 'dump' | 'base' | 'incremental';
  /** Whether the configuration asks for it; the others are made where the role may. */
  readonly asked: boolean;
  /** Milliseconds. */
  readonly intervalMs: number;
  /** When the current day, week or month of it began. */
  readonly periodBegan: Date;
  /** Whether that has none yet. */
  readonly due: boolean;
  readonly newest: {
    readonly label: string;
    readonly at: Date;
    readonly durationMs: number | null;
    readonly sizeBytes: number | null;
    /** null: nobody has looked. */
    readonly verified: { readonly at: Date; readonly ok: boolean } | null;
  } | null;
  /** Why its store could not be read: then the rest is as it was read last, or nothing. */
  readonly error?: string | null;
}

export interface StoreFacts {
  readonly store: string;
  /** How many backups there are of each kind. */
  readonly backups: Readonly<Record<'dump' | 'base' | 'incremental', number>>;
  /** Why it does not answer; null where it does. */
  readonly error: string | null;
}

/** The span of instants that the database of the connection can be brought back to. */
export interface WindowFacts {
  readonly from: Date;
  readonly to: Date;
  /** How far back is promised, in milliseconds. */
  readonly objectiveMs: number;
  /** Where replay stops inside of what is promised: the first missing segment, and the last instant before it. */
  readonly holes: readonly { readonly segment: string; readonly lastBefore: Date }[];
  /** An earlier start that was seen before, is promised still, and is out of reach now; null where nothing was lost. */
  readonly lostFrom: Date | null;
}

export interface BenchFacts {
  readonly at: Date;
  readonly verdict: 'met' | 'missed' | 'inconclusive';
  readonly queries: readonly {
    readonly name: string;
    readonly class: string;
    readonly p95Ms: number;
    readonly targetMs: number;
    readonly verdict: string;
  }[];
}

export interface AuditTrigger {
  readonly name: string;
  readonly ok: boolean;
}

export interface DiskFacts {
  /** `store local`, `data directory`. */
  readonly place: string;
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** What structdb knows beyond the server's statistics, gathered now and then: stores and archives are not asked at each scrape. */
export interface Facts {
  readonly migrations: Fact<StatusResult>;
  readonly auditTriggers: Fact<readonly AuditTrigger[]>;
  readonly tiers: Fact<readonly TierFacts[]>;
  readonly stores: Fact<readonly StoreFacts[]>;
  /** null where no WAL is kept. */
  readonly wal: Fact<WalStatusResult | null>;
  readonly window: Fact<WindowFacts | null>;
  /** The last drill of each kind, and the last that kept its promises. */
  readonly drills: Fact<readonly { readonly last: PastDrill; readonly lastGood: PastDrill | null }[]>;
  /** null where none was run. */
  readonly bench: Fact<BenchFacts | null>;
  readonly disks: Fact<readonly DiskFacts[]>;
}
