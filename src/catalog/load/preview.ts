import type pg from 'pg';
import { regrouped } from '../batches.ts';
import { KeyTable } from '../key-table.ts';
import { textsOf } from '../properties.ts';
import type { Scope } from '../readers/content.ts';
import { type RetirementGroup, retirementOf } from '../retirement.ts';
import { groupParameters } from './history.ts';
import { jsonOfRow, type MergeCounts, type Staging } from './merge.ts';
import { type Compared, compareRows, keysInUse } from './merge-sql.ts';
import type { TargetTable } from './tables.ts';

/** A value that an import would change. */
export interface ValueChange {
  /** A column, or the name of a property; `status` of a row that is or was retired. */
  readonly name: string;
  /** Null: no value. Numbers are exact decimals as text. */
  readonly before: string | null;
  readonly after: string | null;
}

/** A row that an import would change. */
export interface RowChange {
  /** Its key: `AISC v16.0 US W14X90`. */
  readonly row: string;
  readonly values: readonly ValueChange[];
}

/** What an import would change, up to MOST_CHANGES of each kind; the counts tell how many there are. */
export interface Changes {
  readonly inserted: readonly RowChange[];
  readonly updated: readonly RowChange[];
  readonly retired: readonly RowChange[];
}

export const MOST_CHANGES = 1000;

/** So many rows travel at once. */
const BATCH = 2000;

type Cells = readonly (string | null)[];

/**
 * What `mergeRows` would do, by reading alone: the rows go to the server as parameters, batch by batch, and of each batch
 * come back those that differ. Runs inside a transaction with one snapshot.
 */
export async function previewRows(
  client: pg.Client,
  staging: Omit<Staging, 'importId'>,
  isRepeated: (cells: Cells) => boolean,
): Promise<MergeCounts & { readonly changes: Changes }> {
  const { table } = staging;
  const changes = { inserted: [] as RowChange[], updated: [] as RowChange[], retired: [] as RowChange[] };
  const note = (kind: keyof Changes, change: () => RowChange) => {
    if (changes[kind].length < MOST_CHANGES) changes[kind].push(change());
  };
  const counts = { inserted: 0, updated: 0 };
  const staged = new KeyTable(1);
  let rows = 0;
  for await (const batch of regrouped(staging.batches, BATCH)) {
    rows += batch.length;
    const json = `[${batch.map((row) => jsonOfRow(table, row)).join(',')}]`;
    const answer = await client.query<Compared>(compareRows(staging), [json]);
    const byKey = new Map(batch.map((cells) => [keyOf(cells, table).join('\u0000'), cells]));
    for (const compared of answer.rows) {
      const cells = byKey.get(compared.key.join('\u0000'))!;
      // An earlier file of the run brings all of it.
      if (isRepeated(cells)) continue;
      const kind = compared.missing ? 'inserted' : 'updated';
      counts[kind] += 1;
      note(kind, () => ({
        row: nameOf(compared.key),
        values: compared.missing ? valuesOf(cells, table) : changed(compared),
      }));
    }
    if (table.retires) for (const row of batch) staged.meet(keyOf(row, table), 1);
  }
  const whole = staging.finish();
  const retirement = await absent(client, staging, whole, staged, (key) =>
    note('retired', () => ({
      row: nameOf(key),
      values: [{ name: 'status', before: 'in use', after: 'retired' }],
    })),
  );
  const retired = retirement.reduce((sum, group) => sum + group.retired, 0);
  return { ...counts, unchanged: rows - counts.inserted - counts.updated, retired, retirement, changes };
}

function changed({ names, given, stored, retired }: Compared): ValueChange[] {
  const values = (names ?? []).map((name, at) => ({ name, before: stored![at] ?? null, after: given![at] ?? null }));
  return retired ? [{ name: 'status', before: 'retired', after: 'in use' }, ...values] : values;
}

function valuesOf(cells: Cells, { key, values }: TargetTable): ValueChange[] {
  return values.flatMap(({ name, type }, at) => {
    const cell = cells[key.length + at];
    if (cell == null) return [];
    if (type !== 'jsonb') return [{ name, before: null, after: cell }];
    return Object.entries(textsOf(cell)).map(([property, after]) => ({ name: property, before: null, after }));
  });
}

/** Asks for the keys in use piece by piece: a million of them at once would not fit. */
async function absent(
  client: pg.Client,
  staging: Omit<Staging, 'importId'>,
  whole: readonly Scope[],
  staged: KeyTable,
  note: (key: readonly string[]) => void,
): Promise<RetirementGroup[]> {
  if (whole.length === 0) return [];
  const places = ['standard', 'edition', 'unit_system', 'variant'].map((name) => staging.table.key.indexOf(name));
  const inUse = whole.map(() => 0);
  const retired = whole.map(() => 0);
  await client.query(`declare in_use no scroll cursor for ${keysInUse(staging)} order by 1`, groupParameters(whole));
  while (true) {
    const { rows } = await client.query<{ key: string[] }>('fetch 10000 from in_use');
    for (const { key } of rows) {
      const [standard, edition, unitSystem, variant] = places.map((at) => key[at]);
      const of = whole.findIndex(
        (scope) =>
          scope.standard === standard &&
          scope.edition === edition &&
          scope.unitSystem === unitSystem &&
          (scope.variant === null || scope.variant === variant),
      );
      inUse[of]! += 1;
      if (staged.has(key)) continue;
      retired[of]! += 1;
      note(key);
    }
    if (rows.length === 0) break;
  }
  await client.query('close in_use');
  return whole.map((scope, at) => retirementOf(scope, inUse[at]!, retired[at]!)).filter((group) => group.retired > 0);
}

function keyOf(cells: Cells, { key }: TargetTable): string[] {
  return cells.slice(0, key.length) as string[];
}

function nameOf(key: readonly string[]): string {
  return key.filter((part) => part !== '').join(' ');
}
