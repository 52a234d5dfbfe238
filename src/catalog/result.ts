import type { Changes } from './load/preview.ts';
import type { ClosedRange } from './load/version-plan.ts';
import type { Recognised } from './readers/content.ts';
import type { Encoding } from './reading/encodings.ts';
import type { RetirementGroup } from './retirement.ts';
import type { RowProblem } from './rows.ts';

/**
 * How many rows of one edition a file holds. References have no unit system, and only shapes have variants of it. A release
 * of calibration constants or prices is an edition of the standard `calibration constants` or `prices`.
 */
export interface EditionCount {
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem: 'US' | 'SI' | null;
  /** `''` for the main table of shapes, `A1085` for AISC's supplement; null where the edition is not divided. */
  readonly variant: string | null;
  readonly rows: number;
}

export interface ImportCounts {
  readonly inserted: number;
  /** Rows whose values changed, those that came back from retirement among them. */
  readonly updated: number;
  readonly unchanged: number;
  /** Stored rows that the whole table no longer has: marked, not deleted. */
  readonly retired: number;
  /** Rows left out because they are bad (`--skip-bad-rows`). */
  readonly rejected: number;
}

/** How a file was read. */
export interface FileForm {
  readonly format: string;
  /** In which its text was read; null for a workbook. */
  readonly encoding: Encoding | null;
  /** What separates its cells; null for a workbook. */
  readonly delimiter: string | null;
  /** The sheet of a workbook that was read; null for a text. */
  readonly sheet: string | null;
  /** What of the file was skipped or derived, a sentence each. */
  readonly notes: readonly string[];
}

export interface FileReport extends ImportCounts, FileForm {
  readonly file: string;
  /** Of its bytes. */
  readonly sha256: string;
  /** Of what its good rows say, however they are written; null where that is not computed. */
  readonly contentSha256: string | null;
  /** Good rows of the file. */
  readonly rows: number;
  readonly editions: readonly EditionCount[];
  /** Recognised (or declared) as holding every row of its editions. */
  readonly whole: boolean;
  /** The first 10,000 or so of them. */
  readonly problems: readonly RowProblem[];
  /** The file that holds the rejected rows, where one was asked for. */
  readonly rejectedTo: string | null;
  /** Of a dry run: the rows that would change, up to 1,000 of each kind. */
  readonly changes?: Changes;
  /** Which whole tables rows were retired from, with the rows in use before. */
  readonly retirement?: readonly RetirementGroup[];
  /** What looks odd about rows that were taken all the same: docs/catalog-checks.md. */
  readonly warnings: readonly RowProblem[];
  /** Of constants and prices: ranges without an end that a new version closed. */
  readonly closed?: readonly ClosedRange[];
}

export interface ImportResult {
  readonly dryRun: boolean;
  /** False when the database holds exactly this already. */
  readonly changed: boolean;
  readonly files: readonly FileReport[];
  readonly totals: ImportCounts;
}

/** The form of a file from what was recognised of it. */
export function formOf({ format, recognised }: { readonly format: string; readonly recognised: Recognised }): FileForm {
  const { encoding, delimiter, sheet, notes } = recognised;
  return { format, encoding: encoding ?? null, delimiter: delimiter ?? null, sheet: sheet ?? null, notes: notes ?? [] };
}
