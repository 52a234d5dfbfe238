import path from 'node:path';
import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';
import { ContentHash } from './content-hash.ts';
import { describeProblem } from './describe-problem.ts';
import type { VersionConflict } from './load/version-plan.ts';
import type { VersionRow, VersionTable } from './load/version-tables.ts';
import { checkVersionTable, planAgainstStored, writeVersions } from './load/versions.ts';
import { badRows, type PreparedFile } from './prepare.ts';
import type { VersionContent } from './readers/versions.ts';
import type { Rejects } from './rejected-rows.ts';
import { type EditionCount, type FileReport, formOf } from './result.ts';
import type { RowProblem } from './rows.ts';

/** A file of constants or prices that was recognised. */
export interface PreparedVersions {
  readonly file: string;
  readonly sha256: () => string;
  readonly content: VersionContent;
}

export function isVersions(prepared: PreparedFile | PreparedVersions): prepared is PreparedVersions {
  return prepared.content.kind === 'versions';
}

/**
 * Imports the constants or prices of a file inside the caller's transaction; without `importId` it only says what that would
 * do.
 * @throws CATALOG_BAD_ROWS unless bad rows are to be skipped, CATALOG_VERSION_CONFLICT, SCHEMA_MISSING, PERMISSION_DENIED
 */
export async function importVersions(
  client: pg.Client,
  { file, sha256, content }: PreparedVersions,
  options: { readonly rejects?: Rejects; readonly skipBadRows?: boolean; readonly importId?: string },
): Promise<FileReport> {
  const { table } = content;
  const { importId } = options;
  const dryRun = importId === undefined;
  await checkVersionTable(client, table, { dryRun });
  const { rows, problems } = readVersions(content, options.rejects);
  if (problems.length > 0 && !options.skipBadRows) throw badRows(file, problems);
  const plan = await planAgainstStored(client, table, rows, { lock: !dryRun });
  if (plan.conflicts.length > 0) throw conflicting(file, plan.conflicts);
  if (importId !== undefined) await writeVersions(client, table, plan, importId);
  return {
    file,
    sha256: sha256(),
    contentSha256: contentHash(table, rows),
    ...formOf(content),
    rows: rows.length,
    editions: releases(table.plural, rows),
    whole: false,
    inserted: plan.inserted.length,
    updated: plan.updated,
    unchanged: plan.unchanged,
    retired: 0,
    rejected: new Set(problems.map(({ line }) => line)).size,
    problems,
    rejectedTo: options.rejects?.target ?? null,
    warnings: [],
    closed: plan.closed,
  };
}

/** All rows of a file: unlike a catalog of shapes, each must be seen beside the others. */
export function readVersions(
  { records, read }: VersionContent,
  rejects?: Rejects,
): {
  readonly rows: VersionRow[];
  readonly problems: RowProblem[];
} {
  const readings = records.map((record) => {
    const reading = read({ line: record.line, cells: record.cells() });
    if (reading.problems.length > 0) rejects?.add(record, reading.problems);
    return reading;
  });
  return {
    rows: readings.flatMap((reading) => reading.rows),
    problems: readings.flatMap((reading) => reading.problems),
  };
}

/** The days that a file leaves open are open here, whatever end the database has. */
function contentHash(table: VersionTable, rows: readonly VersionRow[]): string {
  const days = ['effective_from', 'effective_to'].map((name) => ({ name, type: 'text' as const }));
  const hashed = { name: table.name, key: [table.key, 'version'], values: [...table.values, ...days] };
  const hash = new ContentHash();
  for (const { name, version, values, from, to } of rows) hash.add(hashed, [name, version, ...values, from, to]);
  return hash.digest();
}

/** The releases of a file, as the editions of a standard. */
function releases(standard: string, rows: readonly VersionRow[]): EditionCount[] {
  return [...Map.groupBy(rows, ({ version }) => version)]
    .map(([edition, { length }]) => ({ standard, edition, unitSystem: null, variant: null, rows: length }))
    .toSorted((a, b) => a.edition.localeCompare(b.edition, 'en', { numeric: true }));
}

function conflicting(file: string, conflicts: readonly VersionConflict[]): StructdbError {
  const shown = conflicts
    .slice(0, 100)
    .map((conflict) => `${path.basename(file)}:${conflict.line}: ${describeProblem(conflict)}`);
  const more = conflicts.length - shown.length;
  const rows = new Set(conflicts.map(({ line }) => line)).size;
  return new StructdbError(
    'CATALOG_VERSION_CONFLICT',
    `${rows} ${rows === 1 ? 'row' : 'rows'} of ${file} contradict${rows === 1 ? 's' : ''} other versions; nothing was imported.`,
    {
      details: more > 0 ? [...shown, `and ${more} more`] : shown,
      hint: 'Give what is new a version of its own, with dates that no other version of it has.',
    },
  );
}
