import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { type RunOptions, runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { runOptions } from '../backup/support.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { sql, type TestServer } from '../support/postgres.ts';
import { fillProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';

export interface BackedUp {
  readonly source: ConnectionSettings;
  readonly options: RunOptions;
  readonly store: Store;
  readonly label: string;
  /** A role that was granted something in the source. */
  readonly reader: string;
}

/** A migrated database with a few projects and everything that belongs to a database, and one backup of it. */
export async function backedUp(server: TestServer, scratch: string): Promise<BackedUp> {
  const source = await server.createOwnedDatabase();
  const reader = (await server.createRole()).user;
  await migrateUp(source);
  await sql(source, async (client) => {
    await fillProjects(client, 30);
    await client.query(`refresh materialized view project_dashboard`);
    await client.query(`grant connect on database "${source.database}" to "${reader}"`);
    await client.query(`grant select on projects to "${reader}" with grant option`);
    await client.query(
      `alter role "${source.user}" in database "${source.database}" set search_path = '$user', public`,
    );
    await client.query(`comment on database "${source.database}" is 'it''s the \\ platform'`);
    await client.query(`alter database "${source.database}" connection limit 60`);
  });
  const options = await runOptions(source, scratch);
  const { label } = await runBackup(options, testContext());
  return { source, options, store: options.store, label, reader };
}

/** What belongs to the database itself. */
export async function belongingsOf(connection: ConnectionSettings): Promise<unknown> {
  return sql(connection, async (client) => {
    const { rows } = await client.query(
      `select pg_get_userbyid(datdba) as owner, shobj_description(oid, 'pg_database') as comment, datconnlimit,
              pg_encoding_to_char(encoding) as encoding, datcollate, datctype, 
              (select array_agg(item::text order by item::text) from unnest(datacl) item) as privileges,
              (select json_agg(json_build_array(pg_get_userbyid(setrole), setconfig) order by setrole)
                 from pg_db_role_setting where setdatabase = d.oid) as settings
         from pg_database d where datname = current_database()`,
    );
    return rows[0];
  });
}

export async function databasesLike(server: TestServer, pattern: string): Promise<string[]> {
  return sql(server.superuser, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_database where datname ~ $1 order by 1',
      [pattern],
    );
    return rows.map(({ name }) => name);
  });
}

/** A copy of the store in which `change` may damage things; with a configuration that names it, for the command line. */
export async function copyOfStore(
  { store }: BackedUp,
  scratch: string,
): Promise<{ readonly store: Store; readonly cwd: string; file(name: string, label?: string): Promise<string> }> {
  const cwd = await mkdtemp(path.join(scratch, 'copy-'));
  const location = path.join(cwd, 'store');
  cpSync(store.location, location, { recursive: true });
  const copy = openDirectoryStore({ path: location, uid: process.geteuid?.() });
  writeFileSync(
    path.join(cwd, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: './store' } } };`,
  );
  const file = async (name: string, label = '') => {
    const key = (await keysOf(copy, '')).find((found) => found.endsWith(`/${name}`) && found.includes(label));
    return path.join(location, key!);
  };
  return { store: copy, cwd, file };
}

/** Rewrites the manifest of a copied store. */
export async function changeManifest(
  copy: Awaited<ReturnType<typeof copyOfStore>>,
  change: (manifest: Manifest) => void,
  label?: string,
): Promise<void> {
  const file = await copy.file('manifest.json', label);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  change(manifest);
  rmSync(file);
  writeFileSync(file, JSON.stringify(manifest));
}

/** Puts other bytes in the dump's place and tells the manifest their size and SHA-256: only the rows can betray them. */
export async function replaceDump(copy: Awaited<ReturnType<typeof copyOfStore>>, bytes: Buffer): Promise<void> {
  const file = await copy.file('dump.pgdump');
  rmSync(file);
  writeFileSync(file, bytes);
  await changeManifest(copy, (manifest) => {
    const part = manifest.parts.find(({ name }) => name === 'dump.pgdump') as { sizeBytes: number; sha256: string };
    part.sizeBytes = bytes.length;
    part.sha256 = createHash('sha256').update(bytes).digest('hex');
  });
}

/** A dump of the same database in which the name of one project differs by a letter. */
export async function dumpWithOneRowChanged(server: TestServer, backup: BackedUp, scratch: string): Promise<Buffer> {
  const { database, user } = backup.source;
  const twin = await server.createDatabase({ owner: user, template: database });
  const owned = { ...twin, user, password: backup.source.password! };
  await sql(owned, (client) =>
    // Past the version trigger: nothing but the one letter differs.
    client.query(`alter table projects disable trigger user`).then(async () => {
      await client.query(`update projects set name = 'Project 7x' where name = 'Project 7'`);
      await client.query(`alter table projects enable trigger user`);
    }),
  );
  const options = await runOptions(owned, scratch);
  await runBackup(options, testContext());
  const key = (await keysOf(options.store, '')).find((found) => found.endsWith('/dump.pgdump'))!;
  return readFileSync(path.join(options.store.location, key));
}
