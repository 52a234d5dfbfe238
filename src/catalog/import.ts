import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { formatCount } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { queryTogether } from '../postgres/together.ts';
import { type Beside, FileReading } from './file-reading.ts';
import { closeImport, ensureHistory, openImport } from './load/history.ts';
import { beginLocked, namingWhoIsWaitedFor } from './load/lock.ts';
import { lookForRows, mergeRows, type Opened } from './load/merge.ts';
import { checkPreconditions } from './load/preconditions.ts';
import { previewRows } from './load/preview.ts';
import type { StagedRow } from './load/tables.ts';
import { FileAhead, type PreparedFile, withPreparedFile } from './prepare.ts';
import type { Declared } from './readers/content.ts';
import type { Encoding } from './reading/encodings.ts';
import { type CatalogSource, nameOfSource } from './reading/source.ts';
import { RejectedRows } from './rejected-rows.ts';
import type { FileReport, ImportCounts, ImportResult } from './result.ts';
import type { RetirementOptions } from './retirement.ts';
import type { UnitSystem } from './rows.ts';
import { RunRows } from './run-rows.ts';
import { shippedCatalogs } from './shipped.ts';
import { filesOf } from './sources.ts';
import { importVersions, isVersions, type PreparedVersions } from './version-file.ts';

export interface ImportOptions extends RetirementOptions {
  readonly connection: ConnectionSettings;
  /**
   * What to import: paths of files, gzip or not, and of directories, whose catalogs are taken in the order of their names;
   * or bytes and streams under a name. Without any, the catalogs that ship.
   */
  readonly files?: readonly CatalogSource[];
  /** The files hold every row of their editions: stored rows that they lack are retired. */
  readonly complete?: boolean;
  /** Import the good rows of a file that has bad ones. */
  readonly skipBadRows?: boolean;
  /** Do so, and write the bad ones to this file, to be mended and imported again. A dry run does not write it. */
  readonly rejected?: string;
  /** Overwrite the file of `rejected`. */
  readonly force?: boolean;
  /** Take rows that look odd for bad ones. */
  readonly strict?: boolean;
  /** The edition of an AISC file whose content does not prove it, e.g. `v16.0`. */
  readonly edition?: string;
  /** The unit system of an AISC file in one unit system whose content does not prove it. */
  readonly unitSystem?: UnitSystem;
  /** The encoding of text files whose bytes do not prove it. */
  readonly encoding?: Encoding;
  /** The sheet of a workbook that has several tables. */
  readonly sheet?: string;
  /** Only say what an import would do: nothing is written, locked or created. */
  readonly dryRun?: boolean;
  /** How long to wait for another import, in milliseconds; 10 s by default. */
  readonly lockWaitMs?: number;
}

/**
 * Imports catalog files in one transaction, so that either everything is imported or nothing. Every row is checked while
 * it is staged; a bad one ends the transaction before any table is touched. Step: `catalog.load`.
 * @throws CATALOG_BAD_ROWS, CATALOG_UNKNOWN, CATALOG_UNREADABLE, CATALOG_VERSION_CONFLICT, FILE_MISSING, FILE_UNREADABLE, SCHEMA_MISSING,
 * PERMISSION_DENIED, LOCKED, CONFIRMATION_NEEDED when more than 5 % of a whole table would be retired, and what connecting throws
 */
export async function importCatalogs(options: Readonly<ImportOptions>, context: RunContext): Promise<ImportResult> {
  const named = options.files && options.files.length > 0;
  const files = named ? await filesOf(options.files, context) : shippedCatalogs();
  const rejected = rejectedOf(options);
  await rejected?.check(files);
  const run = new Run(files, options, context, rejected);
  try {
    return await withClient(options.connection, profiles.catalog, context, async (client) => {
      const found = await checkPreconditions(client, { dryRun: options.dryRun ?? false });
      const reports = await (options.dryRun ? preview(client, run) : load(client, run, found));
      return {
        dryRun: options.dryRun ?? false,
        changed: changes(reports) > 0,
        files: reports,
        totals: totalsOf(reports),
      };
    });
  } finally {
    await run.close();
  }
}

/** A file that was begun: of rows that are merged, or of versions that are fitted among others. */
type AnyReading =
  | { readonly reading: FileReading; readonly versions?: never }
  | { readonly reading?: never; readonly versions: PreparedVersions; readonly beside: Beside };

/** The files of one import, read one after the other; the first while the server is still being connected to. */
class Run {
  readonly files: readonly CatalogSource[];
  readonly options: ImportOptions;
  readonly context: RunContext;
  readonly rejected: RejectedRows | undefined;
  /** The catalogs that ship have no row in common. */
  readonly #rows: RunRows | undefined;
  readonly #first: FileAhead;
  readonly #firstReading: Promise<AnyReading>;

  constructor(
    files: readonly CatalogSource[],
    options: ImportOptions,
    context: RunContext,
    rejected: RejectedRows | undefined,
  ) {
    this.files = files;
    this.options = options.rejected === undefined ? options : { ...options, skipBadRows: true };
    this.context = context;
    this.rejected = rejected;
    this.#rows = options.files && files.length > 1 ? new RunRows(files.map(nameOfSource)) : undefined;
    this.#first = this.#open(files[0]!);
    this.#firstReading = this.#first.prepared.then((prepared) => this.#begin(0, prepared));
    this.#firstReading.catch(() => {});
  }

  #open(source: CatalogSource): FileAhead {
    return new FileAhead(source, declaredOf(this.options), this.context);
  }

  #begin(at: number, prepared: PreparedFile | PreparedVersions): AnyReading {
    const beside = {
      ...(this.rejected && { rejects: this.rejected.of(this.files[at]!, prepared.content.layout ?? { header: [] }) }),
      ...(this.#rows && { run: { rows: this.#rows, file: at } }),
    };
    if (isVersions(prepared)) return { versions: prepared, beside };
    const reading = new FileReading(prepared, this.options, this.context, beside);
    if (!this.options.dryRun) reading.readAhead();
    return { reading };
  }

  close(): Promise<void> {
    return this.#first.close();
  }

  /** Hands each file to `work`, and then looks whether it contradicts one before it. */
  async eachFile(work: (file: AnyReading) => Promise<FileReport>): Promise<FileReport[]> {
    const reports: FileReport[] = [];
    for (const [at, source] of this.files.entries()) {
      stopIfInterrupted(this.context);
      const file = at === 0 ? this.#first : this.#open(source);
      const report = await withPreparedFile(file, async (prepared) =>
        work(at === 0 ? await this.#firstReading : this.#begin(at, prepared)),
      );
      await this.#rows?.settle((file, visit) => this.#readAgain(file, visit));
      reports.push(report);
    }
    return reports;
  }

  async #readAgain(file: number, visit: (row: StagedRow) => void): Promise<boolean> {
    const source = this.files[file]!;
    if (typeof source !== 'string' && 'stream' in source) return false;
    await withPreparedFile(this.#open(source), async (prepared) => {
      if (isVersions(prepared)) return;
      for await (const readings of prepared.batches) for (const { rows } of readings) rows.forEach(visit);
    });
    return true;
  }
}

/** Each file is read while the database takes what was read of it. */
async function load(client: pg.Client, run: Run, { hasBooks }: { readonly hasBooks: boolean }): Promise<FileReport[]> {
  const { files, options, context, rejected } = run;
  return asStep(
    context,
    'catalog.load',
    `Importing ${files.map(nameOfSource).join(', ')}`,
    () =>
      namingWhoIsWaitedFor(client, async () => {
        await beginLocked(client, options.lockWaitMs ?? profiles.catalog.lockTimeoutMs);
        if (!hasBooks) await ensureHistory(client);
        const reports = await run.eachFile(async (file) => {
          const opened = await openFile(client, file);
          const loaded = await loadFile(client, opened, file, run);
          await closeImport(client, opened.importId, loaded);
          return loaded;
        });
        // The last safe point: an interruption before COMMIT leaves nothing, one after it has come too late.
        stopIfInterrupted(context);
        await rejected?.finish();
        await client.query('commit');
        await rejected?.keep();
        return reports;
      }).finally(() => rejected?.discard()),
    (reports) => `${formatCount(sum(reports, 'rows'))} rows imported, ${formatCount(changes(reports))} of them changes`,
  );
}

/** Opens the record of its import, and looks in the same trip whether there is anything that its rows have to be merged with. */
async function openFile(client: pg.Client, { reading, versions }: AnyReading): Promise<Opened> {
  const statements = [openImport((reading ?? versions).file), ...(reading ? [lookForRows(reading.staging())] : [])];
  const [opened, looked] = await queryTogether(client, statements);
  return { importId: opened!.rows[0]!.id as string, hasRows: looked?.rows[0]?.found !== false };
}

async function loadFile(client: pg.Client, opened: Opened, file: AnyReading, run: Run): Promise<FileReport> {
  const { options, context } = run;
  const { importId } = opened;
  if (!file.reading) return importVersions(client, file.versions, { ...options, ...file.beside, importId });
  return file.reading.report(await mergeRows(client, file.reading.staging(), opened, context.signal));
}

/** All files are compared with the same state of the database. */
async function preview(client: pg.Client, run: Run): Promise<FileReport[]> {
  const skipBadRows = run.options.skipBadRows ?? false;
  await client.query('begin transaction isolation level repeatable read, read only');
  const reports = await run.eachFile(async ({ reading, versions }) => {
    if (!reading) return importVersions(client, versions, { skipBadRows });
    return reading.report(await previewRows(client, reading.staging(), (cells) => reading.isRepeated(cells)));
  });
  await client.query('rollback');
  return reports;
}

function rejectedOf({ rejected, force, dryRun }: ImportOptions): RejectedRows | undefined {
  return rejected === undefined || dryRun ? undefined : new RejectedRows(rejected, { force: force ?? false });
}

export function declaredOf({
  edition,
  unitSystem,
  encoding,
  sheet,
}: Pick<ImportOptions, 'edition' | 'unitSystem' | 'encoding' | 'sheet'>): Declared {
  return {
    ...(edition === undefined ? {} : { edition: edition.replace(/^(?=\d)/, 'v') }),
    ...(unitSystem === undefined ? {} : { unitSystem }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(sheet === undefined ? {} : { sheet }),
  };
}

function totalsOf(reports: readonly FileReport[]): ImportCounts {
  return {
    inserted: sum(reports, 'inserted'),
    updated: sum(reports, 'updated'),
    unchanged: sum(reports, 'unchanged'),
    retired: sum(reports, 'retired'),
    rejected: sum(reports, 'rejected'),
  };
}

function changes(reports: readonly FileReport[]): number {
  return sum(reports, 'inserted') + sum(reports, 'updated') + sum(reports, 'retired');
}

function sum(reports: readonly FileReport[], name: keyof ImportCounts | 'rows'): number {
  return reports.reduce((total, report) => total + report[name], 0);
}
