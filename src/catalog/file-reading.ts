import type { RunContext } from '../core/context.ts';
import { Ahead } from './ahead.ts';
import { ByScope, type ScopeOf } from './by-scope.ts';
import { ContentHash } from './content-hash.ts';
import { copyText } from './load/copy-text.ts';
import type { MergeCounts, Staging } from './load/merge.ts';
import type { Changes } from './load/preview.ts';
import { MATERIALS, REFERENCES, type StagedRow, type TargetTable } from './load/tables.ts';
import { badRows, type PreparedFile } from './prepare.ts';
import type { Reading, Scope } from './readers/content.ts';
import type { RawRecord } from './reading/delimited.ts';
import type { Rejects } from './rejected-rows.ts';
import { type EditionCount, type FileReport, formOf } from './result.ts';
import { confirmRetirement, type RetirementOptions } from './retirement.ts';
import type { RowProblem } from './rows.ts';
import type { RunRows } from './run-rows.ts';

export interface ReadingOptions extends RetirementOptions {
  readonly complete?: boolean;
  readonly skipBadRows?: boolean;
  /** Rows that look odd are bad too. */
  readonly strict?: boolean;
}

/** What a file is read beside of. */
export interface Beside {
  readonly rejects?: Rejects;
  /** The rows of the other files, and which of them this one is. */
  readonly run?: { readonly rows: RunRows; readonly file: number };
}

/** Of 64 KiB: AISC's whole table has 40. */
const CHUNKS_AHEAD = 64;

/** One file on its way into the database: hands its rows to the stage and keeps count of what went by. */
export class FileReading {
  readonly #prepared: PreparedFile;
  readonly #options: ReadingOptions;
  readonly #report: RunContext['report'];
  readonly #problems: RowProblem[] = [];
  #rejected = 0;
  readonly #rejects: Rejects | undefined;
  readonly #run: Beside['run'];
  readonly #repeated = new WeakSet<StagedRow['cells']>();
  readonly #warnings: RowProblem[] = [];
  readonly #editions = new ByScope(({ standard, edition, unitSystem, variant }) => ({
    standard: ownText(standard),
    edition: ownText(edition),
    unitSystem: (unitSystem ?? null) as EditionCount['unitSystem'],
    variant: variant == null ? null : ownText(variant),
    rows: 0,
  }));
  readonly #content = new ContentHash();
  #whole: readonly Scope[] = [];
  #ahead: Ahead<Buffer> | undefined;

  constructor(
    prepared: PreparedFile,
    options: ReadingOptions,
    context: Pick<RunContext, 'report'>,
    beside: Beside = {},
  ) {
    this.#rejects = beside.rejects;
    this.#run = beside.run;
    this.#prepared = prepared;
    this.#options = options;
    this.#report = context.report;
  }

  get file(): string {
    return this.#prepared.file;
  }

  /** Begins to read for COPY while the server is still being waited for. */
  readAhead(): void {
    this.#ahead = new Ahead(copyText(this.#batches(), this.#table), CHUNKS_AHEAD);
  }

  /** The rows for the stage. They can be taken once. */
  staging(): Staging {
    const { content, scopes } = this.#prepared;
    return {
      table: this.#table,
      columns: content.columns,
      batches: this.#batches(),
      text: () => this.#ahead ?? copyText(this.#batches(), this.#table),
      finish: () => this.#finish(),
      groups: () => this.#groups(),
      mayRetire: (groups) => confirmRetirement(this.#prepared.file, groups, this.#options),
      ...(scopes ? { scopes } : {}),
    };
  }

  /** Whether an earlier file of the run brings all of the row; known once it was taken. */
  isRepeated(cells: StagedRow['cells']): boolean {
    return this.#repeated.has(cells);
  }

  /** What is told about the file, once its rows are merged. */
  report(counts: MergeCounts & { readonly changes?: Changes }): FileReport {
    const { file, sha256, content } = this.#prepared;
    const editions = this.#editions.values();
    return {
      file,
      sha256: sha256(),
      contentSha256: this.#prepared.contentSha256 === undefined ? this.#content.digest() : this.#prepared.contentSha256,
      ...formOf(content),
      rows: editions.reduce((sum, edition) => sum + edition.rows, 0),
      editions,
      whole: this.#whole.length > 0,
      ...counts,
      rejected: this.#rejected,
      rejectedTo: this.#rejects?.target ?? null,
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }

  async *#batches(): AsyncGenerator<Iterable<StagedRow['cells']>> {
    for await (const readings of this.#prepared.batches) yield this.#cells(readings);
  }

  *#cells(readings: Iterable<Reading<StagedRow>>): Generator<StagedRow['cells']> {
    const hashes = this.#prepared.contentSha256 === undefined;
    for (const { rows, problems, warnings, record } of readings) {
      if (problems.length > 0) this.#reject(problems, record);
      if (warnings) {
        if (this.#options.strict) {
          this.#reject(warnings, record);
          continue;
        }
        keep(this.#warnings, warnings);
      }
      for (const row of rows) {
        this.#editions.of(row).rows += 1;
        if (this.#run?.rows.meet(this.#run.file, this.#table, this.#prepared.content.columns, row)) {
          this.#repeated.add(row.cells);
        }
        if (hashes) this.#content.add(this.#table, row.cells, row.properties);
        yield row.cells;
      }
    }
  }

  /** @throws CATALOG_BAD_ROWS unless bad rows are to be skipped */
  #finish(): readonly Scope[] {
    const { content, file } = this.#prepared;
    const hasProblems = this.#rejected > 0;
    if (hasProblems && !this.#options.skipBadRows) throw badRows(file, this.#problems, this.#rejected);
    if (content.kind === 'references') return [];
    const scopes = this.#options.complete ? this.#scopes() : content.whole();
    if (scopes.length > 0 && hasProblems) {
      // A rejected row is still in the publisher's table: retiring its stored form would lose it.
      this.#report({ kind: 'notice', message: `Nothing is retired, because rows of ${file} were rejected.` });
      return [];
    }
    this.#whole = scopes;
    return scopes;
  }

  #reject(problems: readonly RowProblem[], record: RawRecord | undefined): void {
    this.#rejected += 1;
    keep(this.#problems, problems);
    if (record) this.#rejects?.add(record, problems);
  }

  get #table(): TargetTable {
    return this.#prepared.content.kind === 'materials' ? MATERIALS : REFERENCES;
  }

  /** The groups of the rows so far. */
  #groups(): ScopeOf[] {
    return this.#editions
      .values()
      .map(({ unitSystem, ...group }) => (unitSystem === null ? group : { ...group, unitSystem }));
  }

  /** Every scope that the file has rows of. */
  #scopes(): Scope[] {
    return this.#editions
      .values()
      .flatMap(({ standard, edition, unitSystem, variant }) =>
        unitSystem === null ? [] : [{ standard, edition, unitSystem, variant }],
      );
  }
}

/** A file whose every row is bad must not fill memory with what is wrong: enough is kept to see the pattern. */
const MOST_TOLD = 10_000;

function keep(told: RowProblem[], more: readonly RowProblem[]): void {
  if (told.length < MOST_TOLD) told.push(...more);
}

/** A copy: a part of a string keeps alive the whole that it was cut from, which is a megabyte of a large file. */
function ownText(part: string): string {
  return Buffer.from(part).toString();
}
