import { randomUUID } from 'node:crypto';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';

export interface WriteProbe {
  /** What was written: the schema's own tables, or a table of the probe where the schema is not structdb's. */
  readonly kind: 'project' | 'table';
  /** The committed transaction's end, as the restored server reports it. */
  readonly lsn: string;
}

/**
 * The first write that the restored database accepts, committed: a project that is inserted, updated through the
 * version trigger and recorded in the audit log. Only ever run on the scratch server.
 * @throws CHECK_FAILED when the database takes it otherwise than the schema promises; SQL_FAILED when it refuses
 */
export async function probeWrite(connection: ConnectionSettings, context: RunContext): Promise<WriteProbe> {
  return withClient(connection, profiles.drill, context, async (client) => {
    const { rows } = await client.query<{ whole: boolean }>(
      `select count(*) = 2 as whole from pg_class where relkind = 'r'
          and oid in (to_regclass('public.projects'), to_regclass('public.project_events'))`,
    );
    const kind = rows[0]!.whole ? 'project' : 'table';
    // Whatever the database's default is: an application that must write says so.
    await client.query('begin read write');
    if (kind === 'project') {
      const id = randomUUID();
      await client.query(
        `insert into public.projects (project_id, account_id, name, created_by, updated_by)
         values ($1, $1, 'structdb dr-test', 'structdb dr-test', 'structdb dr-test')`,
        [id],
      );
      const updated = await client.query<{ version: number }>(
        `update public.projects set name = name || '.' where project_id = $1 and version = 1 returning version`,
        [id],
      );
      if (updated.rows[0]?.version !== 2) {
        throw new StructdbError(
          'CHECK_FAILED',
          'The restored database does not count versions: the trigger of projects does not work.',
        );
      }
      await client.query(
        `insert into public.project_events (project_id, event_type, actor) values ($1, 'created', 'structdb dr-test')`,
        [id],
      );
    } else {
      await client.query('create table structdb_write_probe (at timestamptz not null)');
      await client.query('insert into structdb_write_probe values (now())');
    }
    await client.query('commit');
    const { rows: after } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
    return { kind, lsn: after[0]!.lsn };
  });
}
