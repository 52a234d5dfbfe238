import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { RunContext } from '../core/context.ts';
import { codeOf, messageOf } from '../core/errors.ts';

const SIGN_OF_LIFE_MS = 30_000;

/**
 * Keeps the server from recycling the WAL that a backup still has to fetch at its end: a temporary replication slot of
 * this session, which goes with it, also when structdb is killed. A server that has no slot to give is told of, since a
 * long backup may fail there at its very end.
 */
export async function holdWal<T>(client: pg.ClientBase, context: RunContext, work: () => Promise<T>): Promise<T> {
  const name = `structdb_backup_${randomBytes(6).toString('hex')}`;
  const held = await client.query('select pg_catalog.pg_create_physical_replication_slot($1, true, true)', [name]).then(
    () => true,
    (error: unknown) => {
      // Configuration limits and settings: 53400, 55000.
      if (!['53400', '55000'].includes(codeOf(error) ?? '')) throw error;
      context.report({
        kind: 'warning',
        message: `The server has no replication slot free to hold the WAL of the backup: ${messageOf(error)}.`,
        hint: 'Raise max_replication_slots, or wal_keep_size; a long backup may fail otherwise.',
      });
      return false;
    },
  );
  // A session that is silent for the hours of a copy is forgotten by firewalls between here and there.
  const sign = setInterval(() => void client.query('select 1').catch(() => {}), SIGN_OF_LIFE_MS);
  try {
    return await work();
  } finally {
    clearInterval(sign);
    // It would go with the session; until then it would hold WAL that nobody needs. A lost session holds nothing.
    if (held) await client.query('select pg_catalog.pg_drop_replication_slot($1)', [name]).catch(() => {});
  }
}
