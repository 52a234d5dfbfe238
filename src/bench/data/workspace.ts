import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { down } from '../../migrate/index.ts';
import { quoteIdentifier, quoteLiteral, withClient } from '../../postgres/connect.ts';
import { dropDatabase } from '../../postgres/drop-database.ts';
import { profiles } from '../../postgres/profiles.ts';

const PREFIX = 'structdb_bench_';
/** Any number that nobody else uses: the bytes of "benching". */
const LOCK_KEY = '7090189168474254951';
/** The clean-up must also run after Ctrl-C. */
const unstoppable = { signal: new AbortController().signal };

/**
 * Gives `work` a database in which nothing of value is, and leaves nothing of it, also after an error or Ctrl-C: a new
 * one that is dropped, or the empty one named by `into`, which is emptied again.
 * @throws PERMISSION_DENIED naming the grant, TARGET_NOT_EMPTY, LOCKED
 */
export async function withWorkspace<T>(
  connection: ConnectionSettings,
  into: string | undefined,
  context: RunContext,
  work: (workspace: ConnectionSettings) => Promise<T>,
): Promise<T> {
  return into === undefined
    ? withOwnDatabase(connection, context, work)
    : withBorrowedDatabase(withDatabase(connection, into), context, work);
}

async function withOwnDatabase<T>(
  connection: ConnectionSettings,
  context: RunContext,
  work: (workspace: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const workspace = withDatabase(connection, `${PREFIX}${randomBytes(4).toString('hex')}`);
  const name = quoteIdentifier(workspace.database);
  return withClient(connection, KEEPER, unstoppable, async (admin) => {
    stopIfInterrupted(context);
    await requireCreateDatabase(admin);
    // Held until a session is in the new database, so that no other run takes it for an orphan.
    await admin.query('select pg_advisory_lock($1::bigint)', [LOCK_KEY]);
    await dropOrphans(admin, context);
    await admin.query(`create database ${name}`);
    try {
      await admin.query(`comment on database ${name} is ${quoteLiteral(ORPHAN_MARK)}`);
      return await withClient(workspace, KEEPER, unstoppable, async () => {
        await admin.query('select pg_advisory_unlock($1::bigint)', [LOCK_KEY]);
        return work(workspace);
      });
    } finally {
      await discard(admin, workspace.database, context);
    }
  });
}

/** A database that stays is no reason to lose the figures, or the error: the next run drops it, since it is marked. */
async function discard(admin: pg.Client, database: string, context: RunContext): Promise<void> {
  try {
    await asStep(context, 'bench.drop', `Dropping ${database}`, () => dropDatabase(admin, database, { force: true }));
  } catch (error) {
    context.report({
      kind: 'warning',
      message: `The database ${database} could not be dropped: ${messageOf(error)}`,
      hint: 'The next benchmark drops it.',
    });
  }
}

const ORPHAN_MARK = 'structdb bench: safe to drop when nobody is connected';
/** A session that stays idle as long as the run lasts. */
const KEEPER = { ...profiles.seed, applicationName: 'structdb bench keeper' };

async function requireCreateDatabase(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean; role: string }>(
    `select rolcreatedb or rolsuper as allowed, rolname as role from pg_catalog.pg_roles where rolname = current_user`,
  );
  const { allowed, role } = rows[0]!;
  if (allowed) return;
  throw new StructdbError(
    'PERMISSION_DENIED',
    `Role "${role}" may not create the database that a benchmark works in.`,
    {
      hint: `As a superuser: ALTER ROLE ${quoteIdentifier(role)} CREATEDB; or give an empty database of its own: structdb bench --into <database>`,
    },
  );
}

/** What killed runs left: marked as theirs by name and comment, and nobody is connected. */
async function dropOrphans(client: pg.Client, context: RunContext): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_catalog.pg_database d
     where starts_with(datname, $1) and pg_get_userbyid(datdba) = current_user
       and shobj_description(d.oid, 'pg_database') = $2
       and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)`,
    [PREFIX, ORPHAN_MARK],
  );
  for (const { name } of rows) {
    if (await dropDatabase(client, name, { force: false })) {
      context.report({ kind: 'notice', message: `Dropped ${name}, which an interrupted benchmark had left.` });
    }
  }
}

async function withBorrowedDatabase<T>(
  workspace: ConnectionSettings,
  context: RunContext,
  work: (workspace: ConnectionSettings) => Promise<T>,
): Promise<T> {
  return withClient(workspace, KEEPER, unstoppable, async (keeper) => {
    await takeLock(keeper, workspace.database);
    const before = await requireEmpty(keeper, workspace.database);
    try {
      return await work(workspace);
    } finally {
      await asStep(context, 'bench.empty', `Emptying ${workspace.database}`, () =>
        empty(workspace, keeper, before, context),
      );
    }
  });
}

async function takeLock(keeper: pg.Client, database: string): Promise<void> {
  const { rows } = await keeper.query<{ locked: boolean }>('select pg_try_advisory_lock($1::bigint) as locked', [
    LOCK_KEY,
  ]);
  if (rows[0]!.locked) return;
  throw new StructdbError('LOCKED', `Another benchmark is at work in the database "${database}".`, {
    hint: 'Wait for it to end, or name another empty database.',
  });
}

/** The schemas that were there, to be left there. */
async function requireEmpty(keeper: pg.Client, database: string): Promise<readonly string[]> {
  const { rows } = await keeper.query<{ relations: string[] | null; schemas: string[] }>(
    `select
       (select array_agg(c.oid::regclass::text order by c.oid)
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            and not exists (select from pg_catalog.pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
       ) as relations,
       (select array_agg(nspname::text) from pg_catalog.pg_namespace) as schemas`,
  );
  const { relations, schemas } = rows[0]!;
  if (relations === null) return schemas;
  throw new StructdbError(
    'TARGET_NOT_EMPTY',
    `The database "${database}" is not empty: a benchmark would mix its rows with yours.`,
    {
      details: relations.slice(0, 10),
      hint: 'Create an empty one for it: createdb <name>, then structdb bench --into <name>',
    },
  );
}

async function empty(
  workspace: ConnectionSettings,
  keeper: pg.Client,
  before: readonly string[],
  context: RunContext,
): Promise<void> {
  try {
    await down({ connection: workspace, count: 1000 }, { clock: context.clock, report: () => {}, ...unstoppable });
    if (!before.includes('structdb')) await keeper.query('drop schema if exists structdb cascade');
  } catch (error) {
    context.report({
      kind: 'warning',
      message: `The database "${workspace.database}" could not be emptied: ${messageOf(error)}`,
      hint: `Drop it and create it again, or run: structdb migrate down 6`,
    });
  }
}
