import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';
import { fingerprintTables } from '../database/fingerprint.ts';
import type { TableFingerprint } from '../repository/manifest.ts';

/** A table whose restored rows are not those of the manifest; null where one side has no such table. */
export interface TableDifference {
  readonly table: string;
  readonly expectedRows: number | null;
  readonly foundRows: number | null;
  /** In words: `1,000 rows expected, 999 found`. */
  readonly message: string;
}

export interface ContentCheck {
  readonly tables: number;
  readonly rows: number;
  readonly differences: readonly TableDifference[];
}

/** Compares every table with the row counts and content hashes of the manifest, as the client's transaction sees it. */
export async function checkContents(
  client: pg.ClientBase,
  expected: readonly TableFingerprint[],
  onTable?: (done: number, total: number) => void,
): Promise<ContentCheck> {
  const found = await fingerprintTables(client, onTable);
  return compareTables(expected, found);
}

export function compareTables(expected: readonly TableFingerprint[], found: readonly TableFingerprint[]): ContentCheck {
  const nameOf = (table: TableFingerprint) => `${table.schema}.${table.name}`;
  const foundByName = new Map(found.map((table) => [nameOf(table), table]));
  const differences: TableDifference[] = [];
  for (const table of expected) {
    const name = nameOf(table);
    const other = foundByName.get(name);
    foundByName.delete(name);
    if (!other) differences.push(difference(name, table.rows, null, `${name} is missing`));
    else if (other.rows !== table.rows) {
      differences.push(
        difference(name, table.rows, other.rows, `${name}: ${table.rows} rows expected, ${other.rows} found`),
      );
    } else if (other.contentHash !== table.contentHash) {
      differences.push(
        difference(
          name,
          table.rows,
          other.rows,
          `${name}: ${table.rows} rows expected and found, but their content differs`,
        ),
      );
    }
  }
  for (const [name, table] of foundByName) {
    differences.push(difference(name, null, table.rows, `${name} is not in the backup (${table.rows} rows)`));
  }
  return { tables: expected.length, rows: found.reduce((sum, table) => sum + table.rows, 0), differences };
}

/** The error of contents that differ. */
export function contentDiffers(differences: readonly TableDifference[], where: string): StructdbError {
  const first = differences[0]!;
  const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : '';
  return new StructdbError('CONTENT_DIFFERS', `${where} is not what the backup recorded: ${first.message}${more}.`, {
    details: differences.map(({ message }) => message),
    hint: 'Use another backup (structdb backup list), and find out what changed this one.',
  });
}

function difference(
  table: string,
  expectedRows: number | null,
  foundRows: number | null,
  message: string,
): TableDifference {
  return { table, expectedRows, foundRows, message };
}
