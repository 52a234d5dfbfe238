/** `error`: it loses data, fails, or keeps others waiting long. `warning`: worth a thought. */
export type LintLevel = 'error' | 'warning';

export interface LintFinding {
  readonly migration: string;
  /** Counted from 1; null when the finding is of the migration as a whole. */
  readonly statement: number | null;
  readonly rule: string;
  readonly level: LintLevel;
  readonly message: string;
  /** What to do. */
  readonly help: string | null;
  /** The first line of the statement. */
  readonly sql: string | null;
}

/** A finding that the migration's file wants ignored, and why. */
export interface SuppressedFinding extends LintFinding {
  readonly reason: string;
}
