import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Scope } from '../readers/content.ts';
import {
  type Coverage,
  countChanges,
  countInUse,
  createStage,
  insertNew,
  retireAbsent,
  stageColumns,
  updateChanged,
} from './merge-sql.ts';

export interface MergeCounts {
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly retired: number;
}

/** Rows in the order of the table's columns, what they speak about, and the scopes of which they are everything. */
export interface Staging extends Coverage {
  readonly cells: readonly (readonly (string | null)[])[];
  readonly whole: readonly Scope[];
}

/** Stages the rows by COPY and merges them. Runs inside the caller's transaction. */
export async function mergeRows(client: pg.Client, staging: Staging, signal: AbortSignal): Promise<MergeCounts> {
  const { table, cells } = staging;
  await client.query(createStage(table));
  const copy = client.query(copyFrom(`copy staged (${stageColumns(table)}) from stdin`));
  await pipeline(Readable.from(copyChunks(cells)), copy, { signal });
  const inserted = await count(client, insertNew(staging));
  const updated = inserted < cells.length ? await count(client, updateChanged(staging)) : 0;
  const retired = staging.whole.length > 0 ? await retire(client, staging) : 0;
  await client.query('drop table staged');
  return { inserted, updated, unchanged: cells.length - inserted - updated, retired };
}

/** After the merge every staged row is in use: as many rows in use as staged means that there is nothing to look for. */
async function retire(client: pg.Client, staging: Staging): Promise<number> {
  const scopes = scopeParameters(staging.whole);
  const { rows } = await client.query<{ count: number }>(countInUse(staging), scopes);
  const whole = new Set(staging.whole.map((scope) => [scope.standard, scope.edition, scope.unitSystem].join('\u0000')));
  const staged = staging.cells.filter((cells) => whole.has(cells.slice(0, 3).join('\u0000'))).length;
  if (rows[0]!.count === staged) return 0;
  // Without statistics the planner expects few staged rows and compares each stored row with each of them.
  await client.query('analyze staged');
  return count(client, retireAbsent(staging), scopes);
}

/** The counts that `mergeRows` would have, by reading alone. */
export async function previewRows(client: pg.Client, staging: Staging): Promise<MergeCounts> {
  const { table, cells } = staging;
  const names = [...table.key, ...table.values.map(({ name }) => name)];
  const isJson = (at: number) => at >= table.key.length && table.values[at - table.key.length]!.type === 'jsonb';
  // Written by hand because properties are JSON already: parsing them would turn exact decimals into floats.
  const records = cells.map((row) => {
    const entries = row.map((cell, at) => `"${names[at]}":${isJson(at) ? cell : JSON.stringify(cell)}`);
    return `{${entries.join(',')}}`;
  });
  const parameters = [`[${records.join(',')}]`, ...(table.retires ? scopeParameters(staging.whole) : [])];
  const { rows } = await client.query<{ inserted: number; updated: number; retired: number }>(
    countChanges(staging),
    parameters,
  );
  const { inserted, updated, retired } = rows[0]!;
  return { inserted, updated, unchanged: cells.length - inserted - updated, retired };
}

async function count(client: pg.Client, statement: string, parameters: unknown[] = []): Promise<number> {
  return (await client.query(statement, parameters)).rowCount ?? 0;
}

function scopeParameters(scopes: readonly Scope[]): string[][] {
  return [scopes.map((s) => s.standard), scopes.map((s) => s.edition), scopes.map((s) => s.unitSystem)];
}

/** COPY's text format in chunks of about 64 KiB. */
function* copyChunks(rows: readonly (readonly (string | null)[])[]): Generator<Buffer> {
  let chunk = '';
  for (const cells of rows) {
    let line = '';
    for (const cell of cells) line += `${line === '' ? '' : '\t'}${cell === null ? '\\N' : escapeCell(cell)}`;
    chunk += `${line}\n`;
    if (chunk.length < 65_536) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  if (chunk !== '') yield Buffer.from(chunk);
}

function escapeCell(cell: string): string {
  return /[\\\t\n\r]/.test(cell)
    ? cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
    : cell;
}
