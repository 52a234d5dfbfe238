import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import type { Lsn } from '../../core/lsn.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { Losses } from '../scenario-result.ts';
import { type AcknowledgedRow, MARKER_TABLE, type MarkerRow, rowHash } from './marker.ts';

/** What the writer remembers. */
export interface Remembered {
  readonly acknowledged: readonly AcknowledgedRow[];
  readonly inDoubt: ReadonlyMap<number, string>;
}

/** What must be in the store: whatever ends before that byte, and the first so many rows. */
export interface Archived {
  readonly endLsn: Lsn | undefined;
  readonly rows: number;
}

/** Compares the recovered table with what was acknowledged, row by row. */
export async function compareWithAcknowledged(
  connection: ConnectionSettings,
  remembered: Remembered,
  archived: Archived,
  context: RunContext,
): Promise<Losses> {
  return compareRows(await readMarker(connection, context), remembered, archived);
}

async function readMarker(connection: ConnectionSettings, context: RunContext): Promise<MarkerRow[]> {
  return withClient(connection, profiles.drill, context, async (client) => {
    const there = await client.query(`select from pg_class where oid = to_regclass('${MARKER_TABLE}')`);
    if (there.rowCount === 0) return [];
    // Through the table itself: an index that lacks rows would hide them.
    await client.query('set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off');
    const { rows } = await client.query<MarkerRow>(
      `select id, written_at, body, hash from ${MARKER_TABLE} order by id`,
    );
    return rows;
  });
}

export function compareRows(
  rows: readonly MarkerRow[],
  { acknowledged, inDoubt }: Remembered,
  archived: Archived,
): Losses {
  const sent = new Map([...inDoubt, ...acknowledged.map(({ id, hash }) => [id, hash] as const)]);
  const found = new Set<number>();
  const damaged: string[] = [];
  for (const row of rows) {
    const expected = sent.get(row.id);
    if (expected === undefined) damaged.push(`row ${row.id} was never written`);
    else if (found.has(row.id)) damaged.push(`row ${row.id} is there twice`);
    else if (row.hash !== expected || rowHash(row) !== expected) damaged.push(`row ${row.id} holds something else`);
    else found.add(row.id);
  }
  const lost = acknowledged.filter(({ id }) => !found.has(id));
  const isArchived = ({ lsn }: AcknowledgedRow) =>
    archived.endLsn !== undefined && lsn !== undefined && lsn <= archived.endLsn;
  const secured = new Set(acknowledged.slice(0, archived.rows));
  return {
    acknowledged: acknowledged.length,
    recovered: acknowledged.length - lost.length,
    lost: lost.length,
    lostArchived: lost.filter(isArchived).length,
    lostSecured: lost.filter((row) => secured.has(row)).length,
    lostMs: lostSpan(acknowledged, lost[0]),
    damaged,
  };
}

/** From the last row before the first one that is lost, up to the newest: all before it is complete. */
function lostSpan(acknowledged: readonly AcknowledgedRow[], firstLost: AcknowledgedRow | undefined): number {
  if (!firstLost) return 0;
  const index = acknowledged.indexOf(firstLost);
  const lastComplete = acknowledged[index - 1] ?? firstLost;
  return acknowledged.at(-1)!.atMs - lastComplete.atMs;
}
