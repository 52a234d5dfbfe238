import type pg from 'pg';
import { StructdbError } from '../../core/errors.ts';
import { requireSupported, type ToldVersion, VERSION_COLUMNS } from '../../postgres/server-version.ts';
import { HAS_BOOKS } from './history.ts';
import { CONSTANTS, PRICES } from './version-tables.ts';

interface Findings {
  readonly database: string;
  readonly role: string;
  /** null where a table is missing. */
  readonly materials: string | null;
  readonly reference: string | null;
  /** Statements that would grant what is missing, without the role. */
  readonly grants: readonly string[];
}

/** A dry run reads alone, as looking up does; `versions`: constants and prices too. */
interface Work {
  readonly dryRun: boolean;
  readonly versions?: boolean;
}

/**
 * Looks once, before anything is done, whether the server is one of those that structdb knows, the tables are there and the
 * role may do its work. Tells whether the books of imports are complete as well, which a dry run does not ask.
 * @throws SERVER_TOO_OLD, SCHEMA_MISSING, PERMISSION_DENIED with the statements that grant what is missing
 */
export async function checkPreconditions(client: pg.Client, options: Work): Promise<{ readonly hasBooks: boolean }> {
  const question = options.dryRun ? (options.versions ? IS_READABLE_WITH_VERSIONS : IS_READABLE) : IS_READY;
  const { rows } = await client.query<ToldVersion & { ready: boolean | null }>(question);
  requireSupported(rows[0]!);
  if (rows[0]!.ready) return { hasBooks: !options.dryRun };
  await tellWhatIsMissing(client, options);
  return { hasBooks: false };
}

const TABLES = ['public.material_catalog', 'public.code_references'];
const WITH_VERSIONS = [...TABLES, CONSTANTS.name, PRICES.name];

/**
 * Whether nothing at all is missing. Functions alone: a session's first query that is planned has the server read half of its
 * own catalog, which takes longer than all the rest.
 */
function isReady(tables: readonly string[], privileges: readonly string[], ...further: readonly string[]): string {
  const granted = tables.flatMap((table) =>
    privileges.map((privilege) => `has_table_privilege(to_regclass('${table}'), '${privilege}')`),
  );
  return `select ${VERSION_COLUMNS}, ${[...granted, ...further].join(' and ')} as ready`;
}

const IS_READABLE = isReady(TABLES, ['SELECT']);
const IS_READABLE_WITH_VERSIONS = isReady(WITH_VERSIONS, ['SELECT']);
const IS_READY = isReady(
  TABLES,
  ['SELECT', 'INSERT', 'UPDATE'],
  `has_database_privilege(current_database(), 'TEMPORARY')`,
  HAS_BOOKS,
);

async function tellWhatIsMissing(client: pg.Client, options: Work): Promise<void> {
  const { rows } = await client.query<Findings>(QUERY, [
    options.dryRun ? ['SELECT'] : ['SELECT', 'INSERT', 'UPDATE'],
    options.versions ? WITH_VERSIONS : TABLES,
  ]);
  const { database, role, materials, reference, grants } = rows[0]!;
  if (materials === null || reference === null) {
    throw new StructdbError('SCHEMA_MISSING', `Database "${database}" has no table for catalogs yet.`, {
      hint: 'Run: structdb migrate up',
    });
  }
  const missing = options.dryRun ? grants.filter((grant) => grant.startsWith('GRANT SELECT ON public.')) : grants;
  if (missing.length === 0) return;
  const quoted = `"${role.replaceAll('"', '""')}"`;
  const work = options.dryRun ? 'read the catalogs of' : 'write catalogs to';
  throw new StructdbError('PERMISSION_DENIED', `"${role}" may not ${work} database "${database}".`, {
    hint: `The owner runs: ${missing.map((grant) => `${grant} TO ${quoted};`).join(' ')}`,
  });
}

/** The books are looked up by name, because to_regclass fails for who may not use their schema. */
const QUERY = `
with books as (
  select oid, relname from pg_class where relnamespace = to_regnamespace('structdb')
    and relname in ('catalog_imports', 'catalog_foundings', 'catalog_changes')
)
select current_database() as database, current_user as role,
  to_regclass('public.material_catalog')::text as materials,
  to_regclass('public.code_references')::text as reference,
  array(
    select format('GRANT %s ON %s', string_agg(p.privilege, ', ' order by p.place), t.name)
    from unnest($2::text[]) as t(name),
      unnest($1::text[]) with ordinality as p(privilege, place)
    where to_regclass(t.name) is not null and not has_table_privilege(to_regclass(t.name), p.privilege)
    group by t.name
    union all
    select format('GRANT %s ON DATABASE %I', p.privilege, current_database())
    from unnest(array['TEMPORARY', 'CREATE']) as p(privilege)
    where not has_database_privilege(current_database(), p.privilege)
      and (p.privilege = 'TEMPORARY' or to_regnamespace('structdb') is null)
    union all
    select format('GRANT %s ON SCHEMA structdb', string_agg(p.privilege, ', ' order by p.place))
    from unnest(array['USAGE', 'CREATE']) with ordinality as p(privilege, place)
    where not has_schema_privilege(to_regnamespace('structdb'), p.privilege)
      and (p.privilege = 'USAGE' or (select count(*) from books) < 3)
    having count(*) > 0
    union all
    -- Imports are opened, read and closed; the notes are written.
    select format('GRANT %s ON structdb.%s', string_agg(p.privilege, ', ' order by p.place), books.relname)
    from books, unnest(array['SELECT', 'INSERT', 'UPDATE']) with ordinality as p(privilege, place)
    where (p.privilege = 'INSERT' or books.relname = 'catalog_imports') and not has_table_privilege(books.oid, p.privilege)
    group by books.relname
  ) as grants`;
