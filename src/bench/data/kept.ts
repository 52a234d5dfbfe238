import type pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../postgres/connect.ts';
import { dropDatabase } from '../../postgres/drop-database.ts';
import type { LoadedRows } from './bulk-load.ts';

/** Databases of benchmarks begin with it. */
export const PREFIX = 'structdb_bench_';
const KEPT_MARK = 'structdb bench data, made with structdb bench seed: ';

/** A filled database that is kept for later runs. */
export interface KeptData extends LoadedRows {
  readonly database: string;
  /** Of what it was made from. */
  readonly fingerprint: string;
  /** Of the schema that it had when it was filled. */
  readonly schema: string;
  readonly seed: number;
  /** UTC, ISO 8601. */
  readonly madeAt: string;
}

/** Called when it is filled and nothing is missing: a database without this mark is never used again. */
export async function markKept(client: pg.ClientBase, { database, ...facts }: KeptData): Promise<void> {
  const comment = quoteLiteral(`${KEPT_MARK}${JSON.stringify(facts)}`);
  await client.query(`comment on database ${quoteIdentifier(database)} is ${comment}`);
}

/** Those of this role, by name and comment, the newest first. */
export async function listKept(client: pg.ClientBase): Promise<KeptData[]> {
  const { rows } = await client.query<{ name: string; facts: string }>(
    `select datname::text as name, substr(shobj_description(oid, 'pg_database'), length($2) + 1) as facts
       from pg_catalog.pg_database
      where starts_with(datname, $1) and pg_get_userbyid(datdba) = current_user
        and starts_with(shobj_description(oid, 'pg_database'), $2)`,
    [PREFIX, KEPT_MARK],
  );
  const kept = rows.flatMap(({ name, facts }) => read(name, facts) ?? []);
  return kept.sort((a, b) => (a.madeAt < b.madeAt ? 1 : -1));
}

/** False when somebody works in it: then it stays. */
export function dropKept(client: pg.ClientBase, { database }: Pick<KeptData, 'database'>): Promise<boolean> {
  return dropDatabase(client, database, { force: false });
}

/** Another structdb may have written something else; that one is left alone. */
function read(database: string, facts: string): KeptData | undefined {
  try {
    const { projects, payloads, events, fingerprint, schema, seed, madeAt } = JSON.parse(facts) as KeptData;
    const isWhole = [projects, payloads, events, seed].every(Number.isInteger);
    if (!isWhole || ![fingerprint, schema, madeAt].every((text) => typeof text === 'string')) return undefined;
    return { database, projects, payloads, events, fingerprint, schema, seed, madeAt };
  } catch {
    return undefined;
  }
}
