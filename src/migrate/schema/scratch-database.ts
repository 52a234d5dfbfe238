import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted, unstoppable } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { quoteIdentifier, quoteLiteral, withClient } from '../../postgres/connect.ts';
import { dropDatabase } from '../../postgres/drop-database.ts';
import { profiles } from '../../postgres/profiles.ts';

const PREFIX = 'structdb_scratch_';
/** A database that is older, and has nobody in it, was left by a killed run: a living run is in its own at once. */
const ABANDONED_AFTER_SECONDS = 120;

/** Whether the role may create databases there at all. A standby takes none. */
export async function mayCreateDatabases(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select (rolcreatedb or rolsuper) and not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as may
     from pg_catalog.pg_roles where rolname = current_user`,
  );
  return rows[0]?.may === true;
}

/**
 * Gives `work` a new, empty database of the same server, with the encoding and locale of the connected one. It is
 * dropped afterwards, also on error and Ctrl-C. What a killed run left is dropped first: databases of this role with
 * the name of scratch databases in which nobody is.
 * @throws PERMISSION_DENIED when the role may not create databases
 */
export async function withScratchDatabase<T>(
  connection: ConnectionSettings,
  context: RunContext,
  work: (scratch: ConnectionSettings) => Promise<T>,
): Promise<T> {
  return withClient(connection, { ...profiles.migrate, idleInTransactionTimeoutMs: 0 }, unstoppable, async (admin) => {
    stopIfInterrupted(context);
    await dropAbandoned(admin, context);
    const scratch = withDatabase(connection, await newName(admin));
    await create(admin, scratch);
    try {
      return await work(scratch);
    } finally {
      await dropDatabase(admin, scratch.database, { force: true }).catch((error: unknown) => {
        context.report({
          kind: 'warning',
          message: `The scratch database ${scratch.database} could not be dropped: ${messageOf(error)}`,
          hint: 'The next run drops it.',
        });
      });
    }
  });
}

/** The name tells the server's time of its making, by which the abandoned ones are known. */
async function newName(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ seconds: string }>(
    `select floor(extract(epoch from clock_timestamp()))::text as seconds`,
  );
  return `${PREFIX}${rows[0]!.seconds}_${randomBytes(4).toString('hex')}`;
}

/** template0: nothing that an administrator has put into template1 is taken for the migrations' work. */
async function create(admin: pg.Client, { database, user }: ConnectionSettings): Promise<void> {
  const { rows } = await admin.query<{ encoding: string; collate: string; ctype: string }>(
    `select pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype
     from pg_catalog.pg_database where datname = current_database()`,
  );
  const { encoding, collate, ctype } = rows[0]!;
  try {
    await admin.query(
      `create database ${quoteIdentifier(database)} template template0 encoding ${quoteLiteral(encoding)}
       lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`,
    );
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    throw new StructdbError(
      'PERMISSION_DENIED',
      `Role "${user}" may not create the scratch database in which the migrations are tried.`,
      { cause: error, hint: `As a superuser: ALTER ROLE ${quoteIdentifier(user)} CREATEDB` },
    );
  }
}

async function dropAbandoned(admin: pg.Client, context: RunContext): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_catalog.pg_database d
     where datname ~ $1 and pg_get_userbyid(datdba) = current_user
       and extract(epoch from clock_timestamp()) - substring(datname from $1)::bigint > $2
       and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)`,
    [`^${PREFIX}(\\d{1,12})_[0-9a-f]{8}$`, ABANDONED_AFTER_SECONDS],
  );
  for (const { name } of rows) {
    if (await dropDatabase(admin, name, { force: false })) {
      context.report({ kind: 'notice', message: `Dropped ${name}, which a killed run had left.` });
    }
  }
}
