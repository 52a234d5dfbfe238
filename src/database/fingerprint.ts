import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';
import { quoteIdentifier } from '../postgres/connect.ts';
import type { TableFingerprint } from '../repository/manifest.ts';

/** A table that holds rows of its own: partitioned parents and foreign tables hold none, extensions bring theirs. */
export interface UserTable {
  readonly schema: string;
  readonly name: string;
}

/**
 * Row count and content hash of every user table (schema structdb included) and of the large objects, as the transaction of `client` sees them:
 * let it import the dump's snapshot first. Materialised views are left out: they are derived, and pg_restore fills
 * them anew.
 *
 * The hash does not depend on the order of rows: each row's text is hashed with SHA-256, and the first and second 64
 * bits of it are summed, modulo 2^64, over all rows. A changed, lost or added row changes the sums unless 128 bits
 * collide by chance (2^-128 per pair of contents); swapped or doubled rows cannot cancel out as they would with XOR.
 * It tells accidents, not an adversary who forges rows. The text of a row depends on settings, which are fixed here for
 * the rest of the transaction. SHA-256 and not PostgreSQL's own hash functions, which may differ between majors and
 * architectures; and not md5(), which servers in FIPS mode refuse.
 * @throws PERMISSION_DENIED naming every table that the role may not read
 */
export async function fingerprintTables(
  client: pg.ClientBase,
  onTable: (done: number, total: number) => void = () => {},
): Promise<TableFingerprint[]> {
  const tables = await listUserTables(client);
  await fixRendering(client);
  const fingerprints: TableFingerprint[] = [];
  for (const [index, table] of tables.entries()) {
    onTable(index, tables.length);
    fingerprints.push(await fingerprintTable(client, table));
  }
  const objects = await fingerprintLargeObjects(client);
  return objects ? [...fingerprints, objects] : fingerprints;
}

/** Under which name the large objects stand among the tables; absent where there are none. */
export const LARGE_OBJECTS: UserTable = Object.freeze({ schema: 'pg_catalog', name: 'pg_largeobject' });

/** How many objects are asked for at once, and the piece of one that is hashed in one go: both bound the server's memory. */
const OBJECTS_AT_ONCE = 1000;
const PIECE_BYTES = 1024 * 1024;
/** INV_READ of PostgreSQL's libpq-fs.h. */
const INV_READ = 0x40000;

/**
 * Large objects as one table, a row each. Their pieces are summed as rows are; each with its object and place. Read
 * through the functions that pg_dump uses, since pg_largeobject itself is for superusers. undefined: there are none.
 */
async function fingerprintLargeObjects(client: pg.ClientBase): Promise<TableFingerprint | undefined> {
  const sums = { high: 0n, low: 0n };
  let rows = 0;
  for (let last = '0'; ; ) {
    const { rows: found } = await client.query<{ oid: string }>(
      `select oid::text as oid from pg_catalog.pg_largeobject_metadata where oid > $1::oid order by oid limit ${OBJECTS_AT_ONCE}`,
      [last],
    );
    if (found.length === 0) break;
    const oids = found.map(({ oid }) => oid);
    const { high, low } = await sumPieces(client, oids);
    sums.high += BigInt(high);
    sums.low += BigInt(low);
    rows += oids.length;
    last = oids.at(-1)!;
  }
  if (rows === 0) return undefined;
  return { ...LARGE_OBJECTS, rows, contentHash: `${modulo64(String(sums.high))}${modulo64(String(sums.low))}` };
}

async function sumPieces(client: pg.ClientBase, oids: readonly string[]): Promise<{ high: string; low: string }> {
  // Each is opened, measured and closed, row by row; an empty one has one empty piece.
  const { rows } = await client.query<{ high: string; low: string }>(
    `with opened as materialized (select o as oid, lo_open(o, ${INV_READ}) as fd from unnest($1::oid[]) o),
          sized as materialized (select oid, fd, lo_lseek64(fd, 0, 2) as size from opened),
          closed as materialized (select oid, size, lo_close(fd) from sized),
          pieces as (select encode(sha256(convert_to(format('%s:%s:', oid, at), 'UTF8') || lo_get(oid, at, ${PIECE_BYTES})), 'hex') as digest
                       from closed, generate_series(0, greatest(size - 1, 0), ${PIECE_BYTES}) at)
     select coalesce(sum(('x' || substr(digest, 1, 16))::bit(64)::bigint), 0)::text as high,
            coalesce(sum(('x' || substr(digest, 17, 16))::bit(64)::bigint), 0)::text as low from pieces`,
    [oids],
  );
  return rows[0]!;
}

/**
 * True of a relation that nobody can read: on a standby an unlogged one has no contents, and pg_dump takes none of it there.
 * As SQL, for a pg_class of that name.
 */
export const unreadable = (relation: string) => `(${relation}.relpersistence = 'u' and pg_catalog.pg_is_in_recovery())`;

/** The tables that the fingerprint covers, sorted. */
export async function listUserTables(client: pg.ClientBase): Promise<UserTable[]> {
  const { rows } = await client.query<UserTable>(
    `select n.nspname as schema, c.relname as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence <> 't' and not ${unreadable('c')} and ${USER_SCHEMA}
        and not ${fromExtension('pg_class', 'c.oid')}
      order by n.nspname collate "C", c.relname collate "C"`,
  );
  return rows;
}

/**
 * Whether the role may read everything that pg_dump reads; asked before anything is written.
 * @throws PERMISSION_DENIED with a GRANT for each table or sequence
 */
export async function requireReadable(client: pg.ClientBase, database: string): Promise<void> {
  const { rows } = await client.query<{ schema: string; name: string; kind: string; role: string }>(
    `select n.nspname as schema, c.relname as name, c.relkind as kind, current_user as role
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${USER_SCHEMA}
        and not ${fromExtension('pg_class', 'c.oid')}
        and not (pg_catalog.has_schema_privilege(n.oid, 'usage')
                 and case c.relkind when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select')
                     else pg_catalog.has_table_privilege(c.oid, 'select') end)
      order by 1, 2`,
  );
  const first = rows[0];
  if (!first) return;
  const role = quoteIdentifier(first.role);
  const grants = rows.map(({ schema, name, kind }) => {
    const object = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
    return `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${role}; GRANT SELECT ON ${kind === 'S' ? 'SEQUENCE ' : ''}${object} TO ${role};`;
  });
  throw new StructdbError(
    'PERMISSION_DENIED',
    `"${first.role}" may not read ${rows.length} of the tables and sequences of database "${database}": ${rows
      .slice(0, 3)
      .map(({ schema, name }) => `${schema}.${name}`)
      .join(', ')}${rows.length > 3 ? ', …' : ''}.`,
    { hint: `As their owner: ${grants[0]}`, details: grants.slice(1) },
  );
}

/** A schema of users: not the system's, not a temporary one. For SQL in which pg_namespace is `n`. */
export const USER_SCHEMA = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** SQL: whether an object is a member of an extension. */
export function fromExtension(catalog: string, oid: string): string {
  return `exists (select from pg_catalog.pg_depend x where x.classid = 'pg_catalog.${catalog}'::regclass
    and x.objid = ${oid} and x.deptype = 'e')`;
}

/** The settings that a row's text depends on; row_security off makes a filtered read an error instead of a smaller count. */
async function fixRendering(client: pg.ClientBase): Promise<void> {
  const settings = {
    DateStyle: 'ISO, YMD',
    TimeZone: 'UTC',
    IntervalStyle: 'iso_8601',
    extra_float_digits: '1',
    bytea_output: 'hex',
    lc_monetary: 'C',
    search_path: 'pg_catalog',
    row_security: 'off',
  };
  for (const [name, value] of Object.entries(settings)) {
    await client.query('select pg_catalog.set_config($1, $2, true)', [name, value]);
  }
}

async function fingerprintTable(client: pg.ClientBase, table: UserTable): Promise<TableFingerprint> {
  // row(t.*) and not t: a column may be named t. The server's own encoding, so that nothing is converted.
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(
    `select count(*)::text as rows, coalesce(sum(h.high), 0)::text as high, coalesce(sum(h.low), 0)::text as low
       from (select ('x' || substr(d.digest, 1, 16))::bit(64)::bigint as high,
                    ('x' || substr(d.digest, 17, 16))::bit(64)::bigint as low
               from (select encode(sha256(convert_to(row(t.*)::text, getdatabaseencoding()::name)), 'hex') as digest
                       from only ${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)} t offset 0) d) h`,
  );
  const { rows: count, high, low } = rows[0]!;
  return { ...table, rows: Number(count), contentHash: `${modulo64(high)}${modulo64(low)}` };
}

/** A sum of signed 64-bit numbers as 16 hex digits. */
function modulo64(sum: string): string {
  return BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0');
}
