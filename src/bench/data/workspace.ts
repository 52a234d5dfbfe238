import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted, unstoppable } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { formatCount } from '../../core/units.ts';
import type { Registry } from '../../migrate/index.ts';
import { quoteIdentifier, quoteLiteral, withClient } from '../../postgres/connect.ts';
import { dropDatabase } from '../../postgres/drop-database.ts';
import { withBorrowedDatabase } from './borrowed-database.ts';
import type { LoadedRows } from './bulk-load.ts';
import { fingerprintSchema } from './fingerprint.ts';
import { KEEPER, LOCK_KEY, takeLock } from './keeper.ts';
import { type KeptData, listKept, markKept, PREFIX } from './kept.ts';
import { requireSpace } from './space.ts';

export interface WorkspaceOptions {
  /** An empty database of the caller's, emptied again. */
  readonly into?: string;
  readonly projects: number;
  readonly seed: number;
  /** Of the data: one that is kept with the same is used, unless a fresh one is wanted. */
  readonly fingerprint: string;
  readonly fresh: boolean;
  /** The migrations, whose ways back empty a database of the caller's; those that ship by default. */
  readonly registry?: Registry;
  /** Whether a new database is kept, as soon as it is filled. */
  readonly keep: boolean;
  /** Others that are filled while this one is there, one after the other. */
  readonly later: readonly Pick<WorkspaceOptions, 'projects' | 'fingerprint'>[];
  /** Fills an empty one. `migrated` is waited for when it has the schema, and nothing yet of what is run besides. */
  readonly fill: (workspace: ConnectionSettings, migrated?: () => Promise<void>) => Promise<LoadedRows>;
}

/** A filled database, for as long as the work lasts. */
export interface Workspace {
  readonly connection: ConnectionSettings;
  readonly rows: LoadedRows;
  /** It had been filled before. */
  readonly reused: boolean;
}

/**
 * Gives `work` a filled database in which nothing of value is: one that was kept with the same fingerprint, or a new one,
 * of which nothing is left unless it is to be kept, also after an error or Ctrl-C; or the empty one named by `into`, which
 * is emptied again.
 * @throws PERMISSION_DENIED naming the grant, TARGET_NOT_EMPTY, LOCKED, DISK_FULL
 */
export async function withWorkspace<T>(
  connection: ConnectionSettings,
  options: WorkspaceOptions,
  context: RunContext,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const { into, keep } = options;
  if (into === undefined) return withOwnDatabase(connection, options, context, work);
  if (keep) {
    throw new StructdbError('USAGE', `A database of yours (--into ${into}) is emptied again: it cannot be kept.`, {
      hint: 'Give --into or --keep.',
    });
  }
  return withBorrowedDatabase(withDatabase(connection, into), options, context, work);
}

async function withOwnDatabase<T>(
  connection: ConnectionSettings,
  options: WorkspaceOptions,
  context: RunContext,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  return withClient(connection, KEEPER, unstoppable, async (admin) => {
    stopIfInterrupted(context);
    // Held until a session is in the new database, so that no other run takes it for an orphan.
    await admin.query('select pg_advisory_lock($1::bigint)', [LOCK_KEY]);
    await dropOrphans(admin, context);
    const all = await listKept(admin);
    const kept = all.find((each) => !options.fresh && each.fingerprint === options.fingerprint);
    const beside = madeBeside(options, all);
    if (kept !== undefined) await requireSpace(admin, connection, { projects: beside, database: 'template1' });
    const found = kept === undefined ? undefined : await inKeptDatabase(connection, admin, kept, context, work);
    return found === undefined ? inNewDatabase(connection, admin, beside, options, context, work) : found.result;
  });
}

/** The sizes of later databases that are there at the same time and take room: all where they are kept, else the largest. */
function madeBeside({ later, keep, fresh }: WorkspaceOptions, kept: readonly KeptData[]): readonly number[] {
  const isKept = (fingerprint: string) => !fresh && kept.some((each) => each.fingerprint === fingerprint);
  const sizes = later.filter(({ fingerprint }) => !isKept(fingerprint)).map(({ projects }) => projects);
  return keep || sizes.length === 0 ? sizes : [Math.max(...sizes)];
}

/** Undefined, and nothing done, when it is no longer as it was filled. */
async function inKeptDatabase<T>(
  connection: ConnectionSettings,
  admin: pg.Client,
  kept: KeptData,
  context: RunContext,
  work: (workspace: Workspace) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  const workspace = withDatabase(connection, kept.database);
  return withClient(workspace, KEEPER, unstoppable, async (keeper) => {
    await takeLock(keeper, kept.database);
    if ((await fingerprintSchema(keeper)) !== kept.schema) {
      context.report({
        kind: 'warning',
        message: `The schema of the kept database ${kept.database} was changed since it was filled: not used.`,
        hint: `Drop it: structdb bench seed --drop ${kept.database}`,
      });
      return undefined;
    }
    await unlock(admin);
    const { projects, seed, madeAt, database } = kept;
    context.report({
      kind: 'notice',
      message: `Using ${database}, kept since ${madeAt.slice(0, 10)}: ${formatCount(projects)} projects, seed ${seed}.`,
    });
    return { result: await work({ connection: workspace, rows: kept, reused: true }) };
  });
}

async function inNewDatabase<T>(
  connection: ConnectionSettings,
  admin: pg.Client,
  beside: readonly number[],
  options: WorkspaceOptions,
  context: RunContext,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const { projects, seed, fingerprint, fill } = options;
  const workspace = withDatabase(connection, `${PREFIX}${randomBytes(4).toString('hex')}`);
  const { database } = workspace;
  const name = quoteIdentifier(database);
  await requireCreateDatabase(admin);
  await requireSpace(admin, connection, { projects: [projects, ...beside], database: 'template1' });
  if (options.keep) await takeTurn(admin, fingerprint, projects);
  await admin.query(`create database ${name}`);
  let isKept = false;
  try {
    await admin.query(`comment on database ${name} is ${quoteLiteral(ORPHAN_MARK)}`);
    return await withClient(workspace, KEEPER, unstoppable, async (keeper) => {
      await unlock(admin);
      const rows = await fill(workspace);
      if (options.keep) {
        await takeLock(keeper, database);
        const schema = await fingerprintSchema(keeper);
        const madeAt = context.clock.now().toISOString();
        await markKept(admin, { database, ...rows, seed, fingerprint, schema, madeAt });
        isKept = true;
      }
      return work({ connection: workspace, rows, reused: false });
    });
  } finally {
    if (!isKept) await discard(admin, database, context);
  }
}

async function unlock(admin: pg.Client): Promise<void> {
  await admin.query('select pg_advisory_unlock($1::bigint)', [LOCK_KEY]);
}

/** Held as long as the session lives: two would make the same, and keep it twice. */
async function takeTurn(admin: pg.Client, fingerprint: string, projects: number): Promise<void> {
  const { rows } = await admin.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(('x' || $1)::bit(64)::bigint) as locked`,
    [fingerprint],
  );
  if (rows[0]!.locked) return;
  throw new StructdbError('LOCKED', `Another run is filling a database with ${formatCount(projects)} projects.`, {
    hint: 'Wait for it to end: what it keeps is used.',
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
