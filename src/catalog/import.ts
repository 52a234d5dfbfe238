import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { formatCount } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { ensureHistory, recordImport } from './load/history.ts';
import { lockCatalogs } from './load/lock.ts';
import { mergeRows, previewRows, type Staging } from './load/merge.ts';
import { checkPreconditions } from './load/preconditions.ts';
import { MATERIALS, materialCells, REFERENCES, referenceCells } from './load/tables.ts';
import { type PreparedFile, prepareFile } from './prepare.ts';
import type { EditionCount, FileReport, ImportCounts, ImportResult } from './result.ts';
import type { UnitSystem } from './rows.ts';
import { shippedCatalogs } from './shipped.ts';

export interface ImportOptions {
  readonly connection: ConnectionSettings;
  /** The files to import; without any, the catalogs that ship. */
  readonly files?: readonly string[];
  /** The files hold every row of their editions: stored rows that they lack are retired. */
  readonly complete?: boolean;
  /** Import the good rows of a file that has bad ones. */
  readonly skipBadRows?: boolean;
  /** The edition of an AISC file whose content does not prove it, e.g. `v16.0`. */
  readonly edition?: string;
  /** The unit system of an AISC file in one unit system whose content does not prove it. */
  readonly unitSystem?: UnitSystem;
  /** Only say what an import would do: nothing is written, locked or created. */
  readonly dryRun?: boolean;
}

/**
 * Imports catalog files: every file is read and checked first, then all are loaded in one transaction, so that either
 * everything is imported or nothing. Steps: `catalog.read`, `catalog.load`.
 * @throws CATALOG_BAD_ROWS, CATALOG_UNKNOWN, CATALOG_UNREADABLE, FILE_MISSING, FILE_UNREADABLE, SCHEMA_MISSING,
 * PERMISSION_DENIED, LOCKED, and what connecting throws
 */
export async function importCatalogs(options: Readonly<ImportOptions>, context: RunContext): Promise<ImportResult> {
  const files = options.files && options.files.length > 0 ? options.files : shippedCatalogs();
  return withClient(options.connection, profiles.catalog, context, async (client) => {
    await requireSupportedServer(client);
    await checkPreconditions(client, { dryRun: options.dryRun ?? false });
    const prepared: PreparedFile[] = [];
    for (const file of files) prepared.push(await prepare(file, options, context));
    const reports = options.dryRun ? await preview(client, prepared) : await load(client, prepared, context);
    const totals = sum(reports);
    const changed = totals.inserted + totals.updated + totals.retired > 0;
    return { dryRun: options.dryRun ?? false, changed, files: reports, totals };
  });
}

async function prepare(file: string, options: ImportOptions, context: RunContext): Promise<PreparedFile> {
  stopIfInterrupted(context);
  return asStep(
    context,
    'catalog.read',
    `Reading ${file}`,
    () =>
      prepareFile(
        file,
        {
          complete: options.complete ?? false,
          skipBadRows: options.skipBadRows ?? false,
          ...(options.edition === undefined ? {} : { edition: options.edition.replace(/^(?=\d)/, 'v') }),
          ...(options.unitSystem === undefined ? {} : { unitSystem: options.unitSystem }),
        },
        context,
      ),
    ({ content }) => `${formatCount(content.rows.length)} rows of ${content.format} read from ${file}`,
  );
}

async function load(client: pg.Client, prepared: readonly PreparedFile[], context: RunContext): Promise<FileReport[]> {
  return asStep(
    context,
    'catalog.load',
    'Loading into the database',
    async () => {
      await client.query('begin');
      await lockCatalogs(client);
      await ensureHistory(client);
      const reports: FileReport[] = [];
      for (const file of prepared) {
        const report = reportOf(file, await mergeRows(client, stagingOf(file), context.signal));
        await recordImport(client, report);
        reports.push(report);
      }
      // The last safe point: an interruption before COMMIT leaves nothing, one after it has come too late.
      stopIfInterrupted(context);
      await client.query('commit');
      return reports;
    },
    (reports) => `${formatCount(sum(reports).inserted + sum(reports).updated)} rows written`,
  );
}

async function preview(client: pg.Client, prepared: readonly PreparedFile[]): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  for (const file of prepared) reports.push(reportOf(file, await previewRows(client, stagingOf(file))));
  return reports;
}

function stagingOf({ content, whole }: PreparedFile): Staging {
  return content.kind === 'materials'
    ? { table: MATERIALS, columns: content.columns, cells: content.rows.map(materialCells), whole }
    : { table: REFERENCES, columns: content.columns, cells: content.rows.map(referenceCells), whole };
}

function reportOf(
  { file, sha256, content, problems, whole }: PreparedFile,
  counts: Omit<ImportCounts, 'rejected'>,
): FileReport {
  return {
    file,
    sha256,
    format: content.format,
    rows: content.rows.length,
    editions: editionsOf(content.rows),
    whole: whole.length > 0,
    ...counts,
    rejected: new Set(problems.map(({ line }) => line)).size,
    problems,
  };
}

function editionsOf(rows: PreparedFile['content']['rows']): EditionCount[] {
  const counts = new Map<string, EditionCount>();
  for (const row of rows) {
    const unitSystem = 'unitSystem' in row ? row.unitSystem : null;
    const key = [row.standard, row.edition, unitSystem].join('\u0000');
    const { standard, edition } = row;
    counts.set(key, { standard, edition, unitSystem, rows: (counts.get(key)?.rows ?? 0) + 1 });
  }
  return [...counts.values()];
}

function sum(reports: readonly FileReport[]): ImportCounts {
  const total = (name: keyof ImportCounts) => reports.reduce((result, report) => result + report[name], 0);
  return {
    inserted: total('inserted'),
    updated: total('updated'),
    unchanged: total('unchanged'),
    retired: total('retired'),
    rejected: total('rejected'),
  };
}
