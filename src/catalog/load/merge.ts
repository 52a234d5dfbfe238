import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Scope } from '../readers/content.ts';
import {
  type Coverage,
  countChanges,
  createStage,
  indexStage,
  insertNew,
  isComplete,
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

/** Rows in the order of the table's columns, and what they speak about. */
export interface Staging extends Coverage {
  readonly cells: Iterable<readonly (string | null)[]>;
  /** Looked at when every row was taken: throws when there is something wrong, else gives the scopes that are whole. */
  readonly finish: () => readonly Scope[];
}

/**
 * Stages the rows by COPY and merges them. Runs inside the caller's transaction. New rows are inserted batch by batch, so
 * that the server works while the next batch is being read; what is there already is compared when all are staged.
 */
export async function mergeRows(client: pg.Client, staging: Staging, signal: AbortSignal): Promise<MergeCounts> {
  await client.query(createStage(staging.table));
  const chunks = Readable.from(copyChunks(staging), { highWaterMark: READ_AHEAD })[Symbol.asyncIterator]();
  const copyBatch = `copy staged (batch, ${stageColumns(staging.table)}) from stdin`;
  let staged = 0;
  let inserted = 0;
  for (let batch = 0; ; batch += 1) {
    const copy = client.query(copyFrom(copyBatch));
    await pipeline(take(chunks, batch), copy, { signal });
    if (copy.rowCount === 0) break;
    staged += copy.rowCount;
    inserted += await count(client, insertNew(staging), [batch]);
  }
  const whole = staging.finish();
  const updated = inserted < staged ? await update(client, staging) : 0;
  const retired = whole.length > 0 ? await retire(client, staging, whole) : 0;
  await client.query('drop table staged');
  return { inserted, updated, unchanged: staged - inserted - updated, retired };
}

/** Chunks of one batch, and how many may be read ahead while the server inserts. */
const BATCH = 12;
const READ_AHEAD = 16;

async function* take(chunks: AsyncIterator<Chunk>, batch: number): AsyncGenerator<Buffer> {
  for (let taken = 0; taken < BATCH; taken += 1) {
    const next = await chunks.next();
    if (next.done) return;
    yield Buffer.from(next.value.map((line) => `${batch}\t${line}`).join(''));
  }
}

/** Lines of COPY's text format, about 64 KiB of them. */
type Chunk = readonly string[];

async function update(client: pg.Client, staging: Staging): Promise<number> {
  await client.query(indexStage(staging.table));
  return count(client, updateChanged(staging));
}

/** After the merge every staged row is in use: as many rows in use as staged means that there is nothing to look for. */
async function retire(client: pg.Client, staging: Staging, whole: readonly Scope[]): Promise<number> {
  const scopes = scopeParameters(whole);
  const { rows } = await client.query<{ complete: boolean }>(isComplete(staging), scopes);
  if (rows[0]!.complete) return 0;
  await client.query(indexStage(staging.table));
  return count(client, retireAbsent(staging), scopes);
}

/** The counts that `mergeRows` would have, by reading alone. */
export async function previewRows(client: pg.Client, staging: Staging): Promise<MergeCounts> {
  const { table } = staging;
  const names = [...table.key, ...table.values.map(({ name }) => name)];
  const isJson = (at: number) => at >= table.key.length && table.values[at - table.key.length]!.type === 'jsonb';
  // Written by hand because properties are JSON already: parsing them would turn exact decimals into floats.
  const records: string[] = [];
  for (const row of staging.cells) {
    const entries = row.map((cell, at) => `"${names[at]}":${isJson(at) ? cell : JSON.stringify(cell)}`);
    records.push(`{${entries.join(',')}}`);
  }
  const parameters = [`[${records.join(',')}]`, ...(table.retires ? scopeParameters(staging.finish()) : [])];
  if (!table.retires) staging.finish();
  const { rows } = await client.query<{ inserted: number; updated: number; retired: number }>(
    countChanges(staging),
    parameters,
  );
  const { inserted, updated, retired } = rows[0]!;
  return { inserted, updated, unchanged: records.length - inserted - updated, retired };
}

async function count(client: pg.Client, statement: string, parameters: unknown[] = []): Promise<number> {
  return (await client.query(statement, parameters)).rowCount ?? 0;
}

function scopeParameters(scopes: readonly Scope[]): string[][] {
  return [scopes.map((s) => s.standard), scopes.map((s) => s.edition), scopes.map((s) => s.unitSystem)];
}

function* copyChunks({ cells, table }: Staging): Generator<Chunk> {
  const types = [...table.key.map(() => 'text'), ...table.values.map(({ type }) => type)];
  let chunk: string[] = [];
  let size = 0;
  for (const row of cells) {
    let line = '';
    for (let at = 0; at < row.length; at += 1) {
      const cell = row[at] as string | null;
      line += `${at === 0 ? '' : '\t'}${cell === null ? '\\N' : types[at] === 'numeric' ? cell : escapeCell(cell)}`;
    }
    chunk.push(`${line}\n`);
    size += line.length;
    if (size < 65_536) continue;
    yield chunk;
    chunk = [];
    size = 0;
  }
  if (chunk.length > 0) yield chunk;
}

function escapeCell(cell: string): string {
  return /[\\\t\n\r]/.test(cell)
    ? cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
    : cell;
}
