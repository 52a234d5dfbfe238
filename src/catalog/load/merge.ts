import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { queryTogether, type Statement } from '../../postgres/together.ts';
import type { Batches } from '../batches.ts';
import type { ScopeOf } from '../by-scope.ts';
import type { Scope } from '../readers/content.ts';
import { type RetirementGroup, retirementOf } from '../retirement.ts';
import { groupParameters, recordFoundings } from './history.ts';
import {
  type Coverage,
  countAbsent,
  countInUse,
  createStage,
  emptyGroups,
  hasRowsOf,
  indexStage,
  insertNew,
  isComplete,
  noteUpdates,
  retireAbsent,
  stageColumns,
  updateChanged,
} from './merge-sql.ts';
import type { StagedRow, TargetTable } from './tables.ts';

export interface MergeCounts {
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly retired: number;
  /** Of which whole tables. */
  readonly retirement: readonly RetirementGroup[];
}

/** Rows in the order of the table's columns, and what they speak about. */
export interface Staging extends Coverage {
  readonly batches: Batches<StagedRow['cells']>;
  /** The same in the text format of COPY. Rows are taken once, in one of the two forms. */
  readonly text: () => AsyncIterable<Buffer>;
  /** All that the rows belong to, where that is known before they come. */
  readonly scopes?: readonly Scope[];
  /** Looked at when every row was taken: throws when there is something wrong, else gives the scopes that are whole. */
  readonly finish: () => readonly Scope[];
  /** The groups of the rows; complete when every row was taken. */
  readonly groups: () => readonly ScopeOf[];
  /** Asked before rows are retired: throws to end the import. */
  readonly mayRetire: (groups: readonly RetirementGroup[]) => Promise<void>;
}

/** What a file's import was begun with. */
export interface Opened {
  /** The number of the import, under which it is noted what it did. */
  readonly importId: string;
  /** What `lookForRows` found. */
  readonly hasRows: boolean;
}

/**
 * Takes the rows by COPY while they are being read: into a stage that is then merged, or, where the table has nothing to
 * merge with, into the table itself. Runs inside the caller's transaction: an error undoes both.
 */
export async function mergeRows(
  client: pg.Client,
  staging: Staging,
  { importId, hasRows }: Opened,
  signal: AbortSignal,
): Promise<MergeCounts> {
  const { table } = staging;
  if (!hasRows && (await staysWithout(client, staging))) {
    const { rows: inserted } = await copyRows(client, staging, table.name, signal);
    await recordFoundings(client, { ...staging, importId, table: table.name, groups: staging.groups() });
    return { inserted, updated: 0, unchanged: 0, retired: 0, retirement: [] };
  }
  await client.query(createStage(table));
  const { rows: staged, whole } = await copyRows(client, staging, 'staged', signal);
  const inUse = await countsOf(client, countInUse(staging), whole);
  const inserted = await insert(client, staging, importId);
  const updated = inserted < staged ? await update(client, staging, importId) : 0;
  const retirement = whole.length > 0 ? await retire(client, { ...staging, importId }, whole, inUse) : [];
  await client.query('drop table staged');
  return { inserted, updated, unchanged: staged - inserted - updated, retired: totalOf(retirement), retirement };
}

/** Asks whether the table has any row of the scopes, or any at all where those are not known; answered as `found`. */
export function lookForRows({ table, scopes }: Pick<Staging, 'table' | 'scopes'>): Statement {
  return { text: hasRowsOf(table, scopes !== undefined), values: scopes ? groupParameters(scopes) : [] };
}

/** A table that had none is kept so until the transaction ends, unless one has come: other writers wait, readers do not. */
async function staysWithout(client: pg.Client, staging: Staging): Promise<boolean> {
  const lock = { text: `lock table ${staging.table.name} in share row exclusive mode` };
  const [, looked] = await queryTogether(client, [lock, lookForRows(staging)]);
  return looked!.rows[0]!.found === false;
}

interface Copied {
  readonly rows: number;
  readonly whole: readonly Scope[];
}

/** The server checks each row as it comes; what `finish` finds it says while the server still takes the last rows. */
async function copyRows(client: pg.Client, staging: Staging, into: string, signal: AbortSignal): Promise<Copied> {
  const copy = client.query(copyFrom(`copy ${into} (${stageColumns(staging.table)}) from stdin`));
  let whole: readonly Scope[] = [];
  const chunks = async function* () {
    yield* staging.text();
    whole = staging.finish();
  };
  await pipeline(Readable.from(chunks()), copy, { signal });
  return { rows: copy.rowCount, whole };
}

/** Groups that have no row yet are noted as a whole. */
async function insert(client: pg.Client, staging: Staging, importId: string): Promise<number> {
  const { table } = staging;
  const groups = staging.groups();
  const empty = await client.query<{ place: number }>(emptyGroups(staging), groupParameters(groups));
  const founded = empty.rows.map(({ place }) => groups[place - 1]!);
  const { rows } = await client.query<{ count: number }>(insertNew(staging), [importId, ...groupParameters(founded)]);
  await recordFoundings(client, { ...staging, importId, table: table.name, groups: founded });
  return rows[0]!.count;
}

/** First finds what differs: where nothing does, nothing is left to do. */
async function update(client: pg.Client, staging: Staging, importId: string): Promise<number> {
  await client.query(indexStage(staging.table));
  const { rowCount } = await client.query(noteUpdates(staging), [importId]);
  if (rowCount) await client.query(updateChanged(staging));
  return rowCount ?? 0;
}

/** After the merge every staged row is in use: as many rows in use as staged means that there is nothing to look for. */
async function retire(
  client: pg.Client,
  staging: Staging & Pick<Opened, 'importId'>,
  whole: readonly Scope[],
  inUse: readonly number[],
): Promise<RetirementGroup[]> {
  const scopes = groupParameters(whole);
  const { rows } = await client.query<{ complete: boolean }>(isComplete(staging), scopes);
  if (rows[0]!.complete) return [];
  await client.query(indexStage(staging.table));
  const groups = groupsOf(whole, inUse, await countsOf(client, countAbsent(staging), whole));
  if (groups.length === 0) return groups;
  await staging.mayRetire(groups);
  await client.query(retireAbsent(staging), [...scopes, staging.importId]);
  return groups;
}

/** A count for each scope. */
async function countsOf(
  client: pg.Client,
  statement: string,
  scopes: readonly Scope[],
  further: readonly unknown[] = [],
): Promise<number[]> {
  if (scopes.length === 0) return [];
  const { rows } = await client.query<{ count: number }>(statement, [...groupParameters(scopes), ...further]);
  return rows.map((row) => row.count);
}

function groupsOf(scopes: readonly Scope[], inUse: readonly number[], absent: readonly number[]): RetirementGroup[] {
  return scopes.map((scope, at) => retirementOf(scope, inUse[at]!, absent[at]!)).filter(({ retired }) => retired > 0);
}

function totalOf(groups: readonly RetirementGroup[]): number {
  return groups.reduce((sum, { retired }) => sum + retired, 0);
}

/** A row as a JSON object. Written by hand because properties are JSON already: parsing them would turn exact decimals into floats. */
export function jsonOfRow({ key, values }: TargetTable, row: readonly (string | null)[]): string {
  const entries = row.map((cell, at) => {
    const value = at < key.length ? undefined : values[at - key.length]!;
    return `"${value?.name ?? key[at]}":${value?.type === 'jsonb' ? cell : JSON.stringify(cell)}`;
  });
  return `{${entries.join(',')}}`;
}
