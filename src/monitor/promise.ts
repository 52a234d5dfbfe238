/** `unknown`: it could not be looked at. `none`: nothing of the kind was promised or set up. */
export type PromiseState = 'kept' | 'broken' | 'unknown' | 'none';

/** One promise and whether it holds right now. */
export interface PromiseVerdict {
  /** Stable: `recovery.window`, `backup.daily`, `drill.fresh`, `server.up`, … */
  readonly id: string;
  readonly state: PromiseState;
  /** One line with the numbers: `Recoverable from 3 Nov 02:00 to 12 s ago`. */
  readonly message: string;
  /** What else a reader wants to know, a line each. */
  readonly details: readonly string[];
  /** The command or the change that mends it; null where there is nothing to mend. */
  readonly fix: string | null;
  /** Page and heading below docs/, e.g. `runbooks/wal-archive.md`; null where there is none. */
  readonly runbook: string | null;
  /** For graphs and Nagios: what was measured, its limit and the unit; null where there is no number. */
  readonly measured: {
    readonly value: number;
    readonly limit: number | null;
    readonly unit: 's' | 'ratio' | 'bytes' | 'count';
  } | null;
}
