import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';
import { quoteIdentifier } from './connect.ts';
import { requireSupportedServer } from './server-version.ts';

/** The server whose WAL is streamed. */
export interface WalServer {
  readonly systemIdentifier: string;
  readonly postgresMajor: number;
  readonly walSegmentBytes: number;
}

export interface SlotState {
  readonly name: string;
  /** Made now: nothing before this moment is kept for us. */
  readonly created: boolean;
  /** It had fallen behind max_slot_wal_keep_size and was made anew: WAL is missing. */
  readonly wasLost: boolean;
  readonly active: boolean;
  /** The server keeps WAL from here on; null where the slot has reserved nothing yet. */
  readonly restartLsn: string | null;
  /** Bytes that the server keeps for the slot. */
  readonly lagBytes: number;
}

/** Who the server is, as a repository records it. @throws SERVER_TOO_OLD */
export async function readWalServer(client: pg.ClientBase): Promise<WalServer> {
  const { major } = await requireSupportedServer(client);
  const { rows } = await client.query<{ id: string; segment: string }>(
    `select system_identifier::text as id, pg_size_bytes(current_setting('wal_segment_size'))::text as segment
       from pg_catalog.pg_control_system()`,
  );
  return { systemIdentifier: rows[0]!.id, postgresMajor: major, walSegmentBytes: Number(rows[0]!.segment) };
}

/** A physical slot as it is; undefined when there is none. @throws USAGE for a logical one */
export async function readSlot(client: pg.ClientBase, name: string): Promise<SlotState | undefined> {
  const { rows } = await client.query<{
    type: string;
    active: boolean;
    restart: string | null;
    status: string | null;
    lag: string | null;
  }>(
    `select slot_type as type, active, restart_lsn::text as restart, wal_status as status,
            pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end,
                            restart_lsn)::text as lag
       from pg_catalog.pg_replication_slots where slot_name = $1`,
    [name],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (row.type !== 'physical') {
    throw new StructdbError('USAGE', `The replication slot "${name}" is logical; wal receive needs a physical one.`, {
      hint: 'Name another slot: --slot <name>',
    });
  }
  return {
    name,
    created: false,
    wasLost: row.status === 'lost',
    active: row.active,
    restartLsn: row.restart,
    lagBytes: Math.max(0, Number(row.lag ?? 0)),
  };
}

/**
 * The slot that makes the server keep WAL until it was received: made when absent, made anew when the server gave it up.
 * @throws PERMISSION_DENIED without the REPLICATION attribute, SQL_FAILED when there are too many slots
 */
export async function ensureSlot(client: pg.ClientBase, name: string): Promise<SlotState> {
  const { rows } = await client.query<{ role: string; may: boolean }>(
    `select current_user as role, rolreplication or rolsuper as may from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (!rows[0]!.may) {
    const role = quoteIdentifier(rows[0]!.role);
    throw new StructdbError('PERMISSION_DENIED', `${role} may not stream WAL: it lacks the attribute REPLICATION.`, {
      hint: `As a superuser: ALTER ROLE ${role} REPLICATION, and allow "replication" in pg_hba.conf`,
    });
  }
  const found = await readSlot(client, name);
  if (found && !found.wasLost) return found;
  if (found) await client.query('select pg_drop_replication_slot($1)', [name]);
  await client.query('select pg_create_physical_replication_slot($1, true)', [name]);
  return { ...(await readSlot(client, name))!, created: !found, wasLost: found !== undefined };
}
