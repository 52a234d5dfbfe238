import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

/** What the source says of itself at the disaster. */
export interface SourceState {
  /** By its own clock. */
  readonly at: Date;
  readonly systemIdentifier: string;
  /** pg_current_snapshot(): which transactions are committed now. */
  readonly snapshot: string;
  /** The next transaction number. */
  readonly nextXid: bigint;
  /** When each WAL file was last written; empty where the role may not look. */
  readonly walWrittenAt: ReadonlyMap<string, Date>;
}

/** The numbers of transactions around the end of what was recovered. */
export interface RecoveredXids {
  readonly nextXid: bigint;
  /** Recent ones that the copy does not have as committed: rolled back, or cut off by the end of the WAL. */
  readonly uncommitted: readonly string[];
}

/** How far back transactions are looked at that began before the end of the WAL and may have ended behind it. */
const LOOK_BACK = 10_000n;

/** Asks the source, read-only; undefined when it does not answer: it may be gone. */
export async function askSource(
  connection: ConnectionSettings | undefined,
  context: RunContext,
): Promise<SourceState | undefined> {
  if (!connection) return undefined;
  try {
    return await withClient(connection, profiles.probe, context, readState);
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'INTERRUPTED') throw error;
    return undefined;
  }
}

async function readState(client: pg.Client): Promise<SourceState> {
  // Before the snapshot: a file that is written later does not look older than it is.
  const walWrittenAt = await client
    .query<{ name: string; at: Date }>('select name, modification as at from pg_ls_waldir()')
    .then(({ rows }) => new Map(rows.map(({ name, at }) => [name, at] as const)))
    .catch(() => new Map<string, Date>());
  const { rows } = await client.query<{ at: Date; id: string; snapshot: string; next: string }>(
    `select clock_timestamp() as at, (select system_identifier::text from pg_control_system()) as id,
            s::text as snapshot, pg_snapshot_xmax(s)::text as next from pg_current_snapshot() s`,
  );
  const { at, id, snapshot, next } = rows[0]!;
  return { at, systemIdentifier: id, snapshot, nextXid: BigInt(next), walWrittenAt };
}

/** Reads the copy before anything is written to it. */
export async function recoveredXids(client: pg.ClientBase): Promise<RecoveredXids> {
  const { rows } = await client.query<{ next: string; uncommitted: string[] | null }>(
    `select next::text, (select array_agg(x::text) from generate_series(greatest(next::text::numeric - ${LOOK_BACK}, 3),
              next::text::numeric - 1) x where pg_xact_status(x::text::xid8) <> 'committed') as uncommitted
       from pg_snapshot_xmax(pg_current_snapshot()) next`,
  );
  const { next, uncommitted } = rows[0]!;
  return { nextXid: BigInt(next), uncommitted: uncommitted ?? [] };
}

/**
 * How many transactions the source had committed at the disaster that the copy lacks; undefined when it cannot be asked
 * any more. Subtransactions count too, so it is an upper bound.
 */
export async function countLostCommits(
  connection: ConnectionSettings,
  source: SourceState,
  recovered: RecoveredXids,
  context: RunContext,
): Promise<number | undefined> {
  if (source.nextXid <= recovered.nextXid && recovered.uncommitted.length === 0) return 0;
  try {
    return await withClient(connection, profiles.drill, context, async (client) => {
      const { rows } = await client.query<{ lost: number }>(
        `select count(*)::int as lost from (
            select x from unnest($1::text[]) x
            union all select x::text from generate_series($2::numeric, $3::numeric - 1) x) candidates
          where pg_xact_status(x::xid8) = 'committed' and pg_visible_in_snapshot(x::xid8, $4::pg_snapshot)`,
        [recovered.uncommitted, recovered.nextXid.toString(), source.nextXid.toString(), source.snapshot],
      );
      return rows[0]!.lost;
    });
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'INTERRUPTED') throw error;
    return undefined;
  }
}
