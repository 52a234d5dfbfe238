import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatCount } from '../../core/units.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { regrouped } from '../batches.ts';
import { FileReading } from '../file-reading.ts';
import { declaredOf } from '../import.ts';
import { groupParameters } from '../load/history.ts';
import { jsonOfRow } from '../load/merge.ts';
import { type Compared, compareRows, keysInUse } from '../load/merge-sql.ts';
import { checkPreconditions } from '../load/preconditions.ts';
import { checkVersionTable } from '../load/versions.ts';
import { badRows, FileAhead, type PreparedFile, withPreparedFile } from '../prepare.ts';
import type { Encoding } from '../reading/encodings.ts';
import type { UnitSystem } from '../rows.ts';
import { shippedCatalogs } from '../shipped.ts';
import { isVersions, type PreparedVersions, readVersions } from '../version-file.ts';
import { type ImportRecord, readImports } from './imports.ts';
import { originsOf } from './origins.ts';
import { compareVersions } from './verify-versions.ts';

export interface VerifyOptions {
  readonly connection: ConnectionSettings;
  /** The files to compare with; without any, the catalogs that ship. */
  readonly files?: readonly string[];
  /** The files hold every row of their editions: stored rows that they lack are differences. */
  readonly complete?: boolean;
  /** Compare the good rows of a file that has bad ones. */
  readonly skipBadRows?: boolean;
  readonly edition?: string;
  readonly unitSystem?: UnitSystem;
  readonly encoding?: Encoding;
  /** Of a workbook. */
  readonly sheet?: string;
}

/** A row of which file and database say different things. */
export interface RowDifference {
  /** `missing` from the database, `retired` in it, `extra` in it: in use, and not in the whole table that the file is. */
  readonly kind: 'differs' | 'missing' | 'retired' | 'extra';
  /** Key of the row: `AISC v16.0 US W14X90`. */
  readonly row: string;
  readonly values: readonly ValueDifference[];
  /** The import after which it was changed without structdb: that import put there what the file says. */
  readonly changedByHandSince: number | null;
  /** Another import that put there what is stored. */
  readonly importedBy: number | null;
}

export interface ValueDifference {
  readonly name: string;
  /** Null: no value. */
  readonly file: string | null;
  readonly database: string | null;
}

export interface VerifiedFile {
  readonly file: string;
  /** Of its bytes. */
  readonly sha256: string;
  readonly format: string;
  /** Constants or prices: versions with dates, no rows of an edition. */
  readonly versioned: boolean;
  /** Good rows of the file, each compared. */
  readonly rows: number;
  /** Rows that could not be read and were not compared. */
  readonly rejected: number;
  /** Whether rows that the file lacks were looked for. */
  readonly whole: boolean;
  readonly differences: readonly RowDifference[];
}

export interface VerifyResult {
  readonly equal: boolean;
  readonly files: readonly VerifiedFile[];
  /** The imports that the differences name, newest first. */
  readonly imports: readonly ImportRecord[];
}

/**
 * Reads files again and compares each value with the database, in one snapshot, changing nothing.
 * @throws what importing them would throw for the file itself, SCHEMA_MISSING, PERMISSION_DENIED
 */
export async function verifyCatalogs(options: Readonly<VerifyOptions>, context: RunContext): Promise<VerifyResult> {
  const files = options.files && options.files.length > 0 ? options.files : shippedCatalogs();
  return withClient(options.connection, profiles.catalog, context, async (client) => {
    await checkPreconditions(client, { dryRun: true });
    await client.query('begin transaction isolation level repeatable read, read only');
    const verified: VerifiedFile[] = [];
    for (const file of files) {
      stopIfInterrupted(context);
      verified.push(
        await withPreparedFile(new FileAhead(file, declaredOf(options), context), (prepared) =>
          isVersions(prepared) ? verifyVersions(client, prepared, options) : verifyRows(client, prepared, options),
        ),
      );
    }
    const cited = verified.flatMap(({ differences }) =>
      differences.flatMap((one) => [one.changedByHandSince, one.importedBy].filter((id) => id !== null)),
    );
    const imports = cited.length === 0 ? [] : await readImports(client, { ids: [...new Set(cited)] });
    await client.query('rollback');
    return { equal: verified.every(({ differences }) => differences.length === 0), files: verified, imports };
  });
}

/** The broken promise of a comparison, or undefined. */
export function judgeVerifiedCatalogs({ files }: VerifyResult): StructdbError | undefined {
  const count = files.reduce((sum, { differences }) => sum + differences.length, 0);
  if (count === 0) return undefined;
  return new StructdbError('CATALOG_DIFFERS', `${formatCount(count)} ${count === 1 ? 'row differs' : 'rows differ'}.`, {
    hint: 'Importing the file again puts back what it says; constants and prices need a new version.',
  });
}

/** So many rows travel at once. */
const BATCH = 5000;

async function verifyRows(client: pg.Client, prepared: PreparedFile, options: VerifyOptions): Promise<VerifiedFile> {
  const { complete = false, skipBadRows = false } = options;
  const reading = new FileReading(prepared, { complete, skipBadRows }, { report: () => {} });
  const staging = reading.staging();
  const found: Found[] = [];
  const keys = new Set<string>();
  for await (const cells of regrouped(staging.batches, BATCH)) {
    const json = `[${cells.map((row) => jsonOfRow(staging.table, row)).join(',')}]`;
    const { rows } = await client.query<Compared>(compareRows(staging), [json]);
    found.push(...rows.map(differenceOf));
    if (staging.table.retires) for (const row of cells) keys.add(keyText(row.slice(0, staging.table.key.length)));
  }
  const whole = staging.finish();
  if (whole.length > 0) {
    const { rows } = await client.query<{ key: string[] }>(keysInUse(staging), groupParameters(whole));
    for (const { key } of rows) if (!keys.has(keyText(key))) found.push({ kind: 'extra', key, values: [] });
  }
  const unchanged = { inserted: 0, updated: 0, unchanged: 0, retired: 0, retirement: [] };
  const { file, sha256, contentSha256, format, rows, rejected } = reading.report(unchanged);
  const differences = await explained(client, staging.table.name, staging.table.key, found, { sha256, contentSha256 });
  return { file, sha256, format, versioned: false, rows, rejected, whole: whole.length > 0, differences };
}

async function verifyVersions(
  client: pg.Client,
  { file, sha256, content }: PreparedVersions,
  options: VerifyOptions,
): Promise<VerifiedFile> {
  const { table, format } = content;
  await checkVersionTable(client, table, { dryRun: true });
  const { rows, problems } = readVersions(content);
  if (problems.length > 0 && !options.skipBadRows) throw badRows(file, problems);
  const found = await compareVersions(client, table, rows);
  const hashes = { sha256: sha256(), contentSha256: null };
  const differences = await explained(client, table.name, [table.key, 'version'], found, hashes);
  const rejected = new Set(problems.map(({ line }) => line)).size;
  return {
    file,
    sha256: sha256(),
    format,
    versioned: true,
    rows: rows.length,
    rejected,
    whole: false,
    differences,
  };
}

/** What was found about a row, before it is explained. */
export interface Found {
  readonly kind: RowDifference['kind'];
  readonly key: readonly string[];
  readonly values: readonly ValueDifference[];
}

function differenceOf({ key, missing, retired, names, given, stored }: Compared): Found {
  const values = (names ?? []).map((name, at) => ({ name, file: given![at] ?? null, database: stored![at] ?? null }));
  return { kind: missing ? 'missing' : retired ? 'retired' : 'differs', key, values };
}

/**
 * Who is behind each difference. Where the import behind the stored value was of this very content, the value was changed
 * since, and not by structdb; else that import is named.
 */
async function explained(
  client: pg.Client,
  table: string,
  keyColumns: readonly string[],
  found: readonly Found[],
  hashes: { readonly sha256: string; readonly contentSha256: string | null },
): Promise<RowDifference[]> {
  const origins = await originsOf(client, { table, keyColumns, keys: found.map(({ key }) => key) });
  const ids = found.map(({ kind, values }, at) => {
    const name = kind === 'retired' ? 'retired_at' : (values[0]?.name ?? 'kind');
    const origin = origins[at]!(name);
    return typeof origin === 'number' ? origin : null;
  });
  const cited = [...new Set(ids)].filter((id) => id !== null);
  const imports = cited.length === 0 ? [] : await readImports(client, { ids: cited });
  return found.map(({ kind, key, values }, at) => {
    const origin = imports.find(({ id }) => id === ids[at]);
    const isThisFile =
      origin !== undefined &&
      (origin.sha256 === hashes.sha256 ||
        (origin.contentSha256 !== null && origin.contentSha256 === hashes.contentSha256));
    return {
      kind,
      row: key.filter(Boolean).join(' '),
      values,
      changedByHandSince: isThisFile ? origin.id : null,
      importedBy: origin && !isThisFile ? origin.id : null,
    };
  });
}

function keyText(key: readonly (string | null)[]): string {
  return key.join('\u0000');
}
