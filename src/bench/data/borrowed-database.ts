import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, unstoppable } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { down, type Registry } from '../../migrate/index.ts';
import { withClient } from '../../postgres/connect.ts';
import { KEEPER, takeLock } from './keeper.ts';
import { dropAllBut, type Identity, identitiesOf } from './made-objects.ts';
import { requireSpace } from './space.ts';
import type { Workspace, WorkspaceOptions } from './workspace.ts';

/** An empty database of the caller's for as long as the work lasts; emptied again. @throws TARGET_NOT_EMPTY, LOCKED, DISK_FULL */
export async function withBorrowedDatabase<T>(
  workspace: ConnectionSettings,
  { projects, fill, registry, later }: WorkspaceOptions,
  context: RunContext,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  return withClient(workspace, KEEPER, unstoppable, async (keeper) => {
    await takeLock(keeper, workspace.database);
    const before = await requireEmpty(keeper, workspace.database);
    const largest = Math.max(projects, ...later.map((each) => each.projects));
    await requireSpace(keeper, workspace, { projects: [largest], database: workspace.database });
    let schema: ReadonlySet<Identity> | undefined;
    const migrated = async () => {
      schema = await identitiesOf(keeper);
    };
    try {
      const rows = await fill(workspace, migrated);
      return await work({ connection: workspace, rows, reused: false });
    } finally {
      await asStep(context, 'bench.empty', `Emptying ${workspace.database}`, () =>
        empty(workspace, keeper, { before, schema, registry }, context),
      );
    }
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
  {
    before,
    schema,
    registry,
  }: {
    readonly before: readonly string[];
    readonly schema: ReadonlySet<Identity> | undefined;
    readonly registry: Registry | undefined;
  },
  context: RunContext,
): Promise<void> {
  try {
    // What the suite and the SQL after loading made: the ways back know nothing of it, and may not drop what it depends on.
    if (schema !== undefined) await dropAllBut(keeper, schema);
    await down(
      { connection: workspace, count: 1000, ...(registry && { registry }) },
      { clock: context.clock, report: () => {}, ...unstoppable },
    );
    if (!before.includes('structdb')) await keeper.query('drop schema if exists structdb cascade');
  } catch (error) {
    context.report({
      kind: 'warning',
      message: `The database "${workspace.database}" could not be emptied: ${messageOf(error)}`,
      hint: 'Drop it and create it again.',
    });
  }
}
