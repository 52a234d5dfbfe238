import type { AgeOfData } from './age.ts';
import type { Check } from './checks.ts';
import type { RecoveryPoint } from './recovery-point.ts';
import type { WriteProbe } from './write-probe.ts';

/** The span until the first accepted write, in milliseconds, by phase. A `type`, so that reports can walk through it. */
export type RtoPhases = {
  readonly selectMs: number;
  /** Initialising and starting the isolated server, and making its roles. */
  readonly serverMs: number;
  readonly fetchMs: number;
  readonly loadMs: number;
  readonly settingsMs: number;
  readonly firstWriteMs: number;
};

/** The same for a base backup. */
export type BasePhases = {
  readonly selectMs: number;
  readonly planMs: number;
  readonly fetchMs: number;
  readonly startMs: number;
  readonly replayMs: number;
  readonly promoteMs: number;
  readonly firstWriteMs: number;
};

/** How long a recovery took, judged. */
export interface Rto<Phases> {
  /** From the disaster to the end of the first accepted write, newer backups that failed included. */
  readonly measuredMs: number;
  readonly objectiveMs: number;
  /** False also when no write was accepted. */
  readonly met: boolean;
  readonly phases: Phases;
}

/** A newer backup that could not be used. */
export interface PassedOver {
  readonly label: string;
  readonly reason: string;
}

export interface Verdict {
  readonly ok: boolean;
  /** The broken promise, gravest first; null when all hold. */
  readonly code: string | null;
  readonly message: string;
}

/** What the drill of a dump measured; also the evidence that it leaves. */
export interface DumpDrillResult {
  readonly kind: 'dump';
  readonly structdb: string;
  /** When the disaster was: the beginning of the drill. */
  readonly at: string;
  readonly label: string;
  readonly database: string;
  readonly verdict: Verdict;
  readonly passedOver: readonly PassedOver[];
  readonly rto: Rto<RtoPhases>;
  readonly rpo: {
    readonly provable: false;
    readonly required: boolean;
    readonly objectiveMs: number;
    readonly message: string;
  };
  readonly ageOfData: AgeOfData;
  /** How fast it was restored, and how large a dump the RTO objective would cover at that rate. */
  readonly rate: { readonly bytesPerSecond: number; readonly coveredBytes: number; readonly sizeBytes: number };
  readonly checks: readonly Check[];
  /** Apart from the RTO: an outage does not wait for them. */
  readonly checksMs: number;
  /** null when the restored database accepted none. */
  readonly write: WriteProbe | null;
  readonly rows: number;
  readonly tables: number;
  readonly server: { readonly backup: string; readonly scratchMajor: number };
  readonly leftOut: readonly string[];
  /** Key of this record in the store. */
  readonly evidence: string;
}

/** What the drill of a base backup with its WAL measured; also the evidence that it leaves. */
export interface BaseDrillResult {
  readonly kind: 'base';
  readonly structdb: string;
  readonly at: string;
  readonly label: string;
  /** From the whole backup to the restored one; one label unless it is an incremental one. */
  readonly chain: readonly string[];
  readonly systemIdentifier: string;
  readonly verdict: Verdict;
  readonly passedOver: readonly PassedOver[];
  /** The end of the WAL, or an instant of the recovery window that `seed` chose. */
  readonly target:
    | { readonly kind: 'latest' }
    | { readonly kind: 'random'; readonly at: string; readonly seed: number };
  readonly rto: Rto<BasePhases>;
  readonly rpo: RecoveryPoint;
  readonly rate: {
    /** Of restored data, while it was fetched. */
    readonly bytesPerSecond: number;
    /** Of WAL, while it was replayed; null when there was next to none. */
    readonly replayBytesPerSecond: number | null;
    /** The size that the RTO objective would cover at that rate. */
    readonly coveredBytes: number;
    readonly sizeBytes: number;
  };
  readonly replay: {
    readonly timeline: number;
    readonly fromLsn: string;
    readonly toLsn: string;
    readonly walBytes: number;
    readonly lastCommitAt: string | null;
  };
  readonly checks: readonly Check[];
  /** What the checks could not look at: each with the reason. */
  readonly unchecked: readonly string[];
  readonly checksMs: number;
  readonly write: WriteProbe | null;
  readonly databases: readonly string[];
  readonly server: { readonly backup: string; readonly scratchMajor: number };
  readonly evidence: string;
}

export type DrillResult = DumpDrillResult | BaseDrillResult;
