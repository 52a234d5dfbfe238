import type pg from 'pg';
import type { Version, VersionRow, VersionTable } from '../load/version-tables.ts';
import { versionsQuery } from '../load/versions.ts';
import { parseDecimal } from '../reading/decimal.ts';
import type { Found, ValueDifference } from './verify.ts';

/** The versions of a file that the database lacks, or has with other values. An end that the file leaves open may be any. */
export async function compareVersions(
  client: pg.Client,
  table: VersionTable,
  rows: readonly VersionRow[],
): Promise<Found[]> {
  const names = [...new Set(rows.map(({ name }) => name))];
  const { rows: stored } = await client.query<Version>(`${versionsQuery(table)} where ${table.key} = any($1)`, [names]);
  const known = new Map(stored.map((one) => [`${one.name}\u0000${one.version}`, one]));
  return rows.flatMap((row): Found[] => {
    const key = [row.name, row.version];
    const there = known.get(key.join('\u0000'));
    if (!there) return [{ kind: 'missing', key, values: [] }];
    const values = valuesThatDiffer(table, row, there);
    return values.length > 0 ? [{ kind: 'differs', key, values }] : [];
  });
}

function valuesThatDiffer(table: VersionTable, row: VersionRow, stored: Version): ValueDifference[] {
  const pairs = [
    ...table.values.map(({ name, type }, at) => {
      const [file, database] = [row.values[at]!, stored.values[at]!];
      const same = type === 'numeric' ? parseDecimal(file) === parseDecimal(database) : file === database;
      return { name, file, database, same };
    }),
    { name: 'effective_from', file: row.from, database: stored.from, same: row.from === stored.from },
    { name: 'effective_to', file: row.to, database: stored.to, same: row.to === null || row.to === stored.to },
  ];
  return pairs.filter(({ same }) => !same).map(({ same: _, ...value }) => value);
}
