import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import { findProgram, type Program } from '../../src/programs/find.ts';
import { testContext } from './context.ts';
import { testPlaces } from './environment.ts';
import { sql } from './postgres.ts';

const run = promisify(execFile);
let pgDumpFound: Promise<Program> | undefined;

/** The schema as pg_dump tells it, structdb's own bookkeeping left out, what differs from run to run removed. */
export async function dumpSchema(connection: ConnectionSettings): Promise<string> {
  pgDumpFound ??= findProgram('pg_dump', testPlaces(), { atLeast: 15 });
  const pgDump = await pgDumpFound;
  const { stdout } = await run(
    pgDump.path,
    ['--schema-only', '--exclude-schema=structdb', '--host', connection.host, '--port', String(connection.port)].concat(
      ['--username', connection.user, connection.database],
    ),
    { env: { PGPASSWORD: connection.password ?? '', PATH: path.dirname(pgDump.path) }, maxBuffer: 16 * 1024 * 1024 },
  );
  return (
    stdout
      .replace(/^\\(un)?restrict .*\n/gm, '')
      .replace(/^-- Dumped .*\n/gm, '')
      // the session settings that each version of pg_dump puts first
      .replace(/^(SET|SELECT pg_catalog\.set_config).*\n/gm, '')
      // PostgreSQL 18's pg_dump
      .replace(/^ALTER MATERIALIZED VIEW (.* OWNER TO )/gm, 'ALTER TABLE $1')
      .replaceAll(connection.user, 'the_owner')
  );
}

/** Everything that "exactly as before" means: the dump, the database's settings and privileges, the extensions. */
export async function picture(connection: ConnectionSettings): Promise<Record<string, unknown>> {
  const rest = await sql(connection, async (client) => {
    const { rows } = await client.query(`
      select
        (select array_agg(setconfig::text) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
          where d.datname = current_database()) as settings,
        (select datacl::text from pg_database where datname = current_database()) as database_privileges,
        (select array_agg(extname || ' in ' || extnamespace::regnamespace::text order by extname) from pg_extension)
          as extensions,
        (select array_agg(nspname || coalesce(nspacl::text, '') order by nspname) from pg_namespace
          where nspname !~ '^pg_(toast|temp)' and nspname <> 'structdb') as schemas,
        (select array_agg(relname || ' ' || relacl::text order by relname) from pg_class
          where relnamespace = 'public'::regnamespace and relacl is not null
            and relname not like 'pg_stat_statements%') as privileges`);
    return rows[0] as Record<string, unknown>;
  });
  return { ...rest, dump: await dumpSchema(connection) };
}

/** Applies all migrations, or the first `count`. */
export async function migrateUp(connection: ConnectionSettings, count?: number): Promise<void> {
  await up({ connection, ...(count === undefined ? {} : { count }) }, testContext());
}
