import type { AgeOfData } from './age.ts';
import type { Check } from './checks.ts';
import type { WriteProbe } from './write-probe.ts';

/** The span until the first accepted write, in milliseconds, by phase. */
export interface RtoPhases {
  readonly selectMs: number;
  /** Initialising and starting the isolated server, and making its roles. */
  readonly serverMs: number;
  readonly fetchMs: number;
  readonly loadMs: number;
  readonly settingsMs: number;
  readonly firstWriteMs: number;
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

/** What a drill measured; also the evidence that it leaves. */
export interface DrillResult {
  readonly structdb: string;
  /** When the disaster was: the beginning of the drill. */
  readonly at: string;
  readonly label: string;
  readonly database: string;
  readonly verdict: Verdict;
  readonly passedOver: readonly PassedOver[];
  readonly rto: {
    /** From the beginning to the end of the first accepted write, newer backups that failed included. */
    readonly measuredMs: number;
    readonly objectiveMs: number;
    /** False also when no write was accepted. */
    readonly met: boolean;
    readonly phases: RtoPhases;
  };
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
