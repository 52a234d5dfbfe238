import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { kyselyOver } from '../../src/migrate/dialect.ts';
import { MigrationAdapter } from '../../src/migrate/lock.ts';
import { type Registry, registry as shipped } from '../../src/migrate/registry.ts';
import { StructdbMigrator } from '../../src/migrate/run/migrator.ts';
import { connect } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { testContext } from './context.ts';
import { sql } from './postgres.ts';

/**
 * Runs one migration and lets the client's socket vanish after the given statement (bookkeeping counts too), as a
 * SIGKILL does. False when the run was over before.
 */
export async function runKilledAfter(
  connection: ConnectionSettings,
  verb: 'up' | 'down' | 'redo',
  statement: number,
  registry: Registry = shipped,
): Promise<boolean> {
  const client = await connect(connection, profiles.migrate);
  const adapter = new MigrationAdapter({
    waitMs: 30_000,
    clock: systemClock,
    signal: new AbortController().signal,
    onWait: () => {},
  });
  let seen = 0;
  const db = kyselyOver(client, adapter, () => {
    seen += 1;
    if (seen === statement) socketOf(client).destroy();
  });
  const migrator = new StructdbMigrator({ db, registry, context: testContext() });
  const run = {
    up: () => migrator.migrateUp(),
    down: () => migrator.migrateDown(),
    redo: () => migrator.migrateRedoBy(1),
  };
  const { error } = await run[verb]();
  await client.end().catch(() => {});
  if (error !== undefined && seen < statement) throw error;
  return seen >= statement;
}

function socketOf(client: unknown): { destroy(): void } {
  return (client as { connection: { stream: { destroy(): void } } }).connection.stream;
}

/** All that a migration changes, in one quick query: columns, indexes, constraints, triggers, views, settings. */
export async function structureOf(connection: ConnectionSettings): Promise<unknown> {
  return sql(connection, async (client) => {
    const { rows } = await client.query(`
      select
        (select array_agg(concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull)
            order by attrelid::regclass::text, attname)
          from pg_attribute join pg_class c on c.oid = attrelid
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'm') and attnum > 0 and not attisdropped) as columns,
        (select array_agg(pg_get_indexdef(indexrelid) || ' valid ' || indisvalid order by indexrelid::regclass::text)
          from pg_index join pg_class c on c.oid = indrelid where relnamespace = 'public'::regnamespace) as indexes,
        (select array_agg(concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
            order by conrelid::regclass::text, conname)
          from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n') as constraints,
        (select array_agg(pg_get_triggerdef(oid) || tgenabled::text order by tgrelid::regclass::text, tgname)
          from pg_trigger where not tgisinternal) as triggers,
        (select array_agg(matviewname || definition || ispopulated order by matviewname)
          from pg_matviews where schemaname = 'public') as views,
        (select array_agg(proname order by proname) from pg_proc
          where pronamespace = 'public'::regnamespace and proname not like 'pg_stat%') as functions,
        (select array_agg(setconfig::text) from pg_db_role_setting s join pg_database d on d.oid = setdatabase
          where datname = current_database()) as settings,
        (select array_agg(extname order by extname) from pg_extension) as extensions,
        (select array_agg(name order by name) from structdb.kysely_migration) as applied,
        (select array_agg(name || checksum order by name) from structdb.migrations) as recorded`);
    return rows[0];
  });
}
