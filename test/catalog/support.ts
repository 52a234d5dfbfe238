import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ImportOptions, type ImportResult, importCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { sql, type TestServer, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

/** Makes migrated databases of a plain role that owns them: the first is migrated, the others are copies of it. */
export function useCatalogDatabases(server: TestServer = useServer()): () => Promise<ConnectionSettings> {
  let template: Promise<ConnectionSettings> | undefined;
  return async () => {
    template ??= server.createOwnedDatabase().then(async (connection) => {
      await up({ connection }, testContext());
      return connection;
    });
    const { database, user, password } = await template;
    const copy = await server.createDatabase({ owner: user, template: database });
    return Object.freeze({ ...copy, user, ...(password === undefined ? {} : { password }) });
  };
}

export function importInto(
  connection: ConnectionSettings,
  options: Omit<ImportOptions, 'connection'> = {},
): Promise<ImportResult> {
  return importCatalogs({ connection, ...options }, testContext());
}

/** inserted, updated, unchanged, retired, rejected. */
export function countsOf({ totals }: ImportResult): number[] {
  return [totals.inserted, totals.updated, totals.unchanged, totals.retired, totals.rejected];
}

export function rowsOf<Row>(connection: ConnectionSettings, query: string, values: unknown[] = []): Promise<Row[]> {
  return sql(connection, async (client) => (await client.query(query, values)).rows as Row[]);
}

/** Writes a file of its own folder and gives its path. */
export async function fileWith(content: string | Uint8Array, name = 'catalog.csv'): Promise<string> {
  const file = path.join(await scratchDirectory(), name);
  await writeFile(file, content);
  return file;
}

/** A file in structdb's own layout from cells; the first row is the header. */
export function csv(rows: readonly (readonly string[])[]): string {
  return `${rows.map((row) => row.join(',')).join('\n')}\n`;
}

const AISC_HEADER = [
  'W',
  'A',
  'd',
  'Ht',
  'OD',
  'tw',
  'tf',
  'Ix',
  'Zx',
  'Sx',
  'rx',
  'Iy',
  'Zy',
  'Sy',
  'ry',
  'tan(α)',
  'zB',
];
const US = [
  '90.0',
  '26.5',
  '14.0',
  '–',
  '–',
  ' 7/16',
  '  11/16',
  '999',
  '157',
  '143',
  '6.14',
  '362',
  '75.6',
  '49.9',
  '3.70',
  '–',
  '–',
];
const SI = [
  '134',
  '17100',
  '356',
  '–',
  '–',
  '11.2',
  '17.5',
  '416',
  '2570',
  '2340',
  '156',
  '151',
  '1240',
  '818',
  '94.0',
  '–',
  '–',
];

/**
 * A file as AISC lays it out, with one shape by default: the values of one unit system, or the halves side by side under the
 * same headers. Cells are changed by header; `(metric)` behind it means the second half.
 */
export function aiscFile(
  options: {
    readonly halves?: 1 | 2;
    readonly shapes?: readonly Readonly<Record<string, string>>[];
    readonly header?: (names: string[]) => string[];
  } = {},
): string {
  const halves = options.halves ?? 2;
  const names = ['Type', 'EDI_Std_Nomenclature', 'AISC_Manual_Label', 'T_F', ...AISC_HEADER];
  const metric = ['EDI_Std_Nomenclature', 'AISC_Manual_Label', ...AISC_HEADER];
  const header = halves === 2 ? [...names, ...metric] : names;
  const keys = halves === 2 ? [...names, ...metric.map((name) => `${name} (metric)`)] : names;
  const cells = ['W', 'W14X90', 'W14X90', 'F', ...US, ...(halves === 2 ? ['W360X134', 'W360X134', ...SI] : [])];
  const rows = (options.shapes ?? [{}]).map((changes) => keys.map((key, at) => changes[key] ?? cells[at]!));
  return csv([options.header?.(header) ?? header, ...rows]);
}

/** Where the publishers' files lie on machines that have them. */
export const PUBLISHED = path.resolve(import.meta.dirname, '../../../shared/data');
