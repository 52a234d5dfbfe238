import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunOptions } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema } from '../../src/config/schema.ts';
import { findServerPrograms, type ServerPrograms, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { findProgram, type SearchPlaces } from '../../src/programs/find.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { serverDirectory, startLoopbackServer } from '../support/loopback-server.ts';
import { sql } from '../support/postgres.ts';
import { actor } from './support.ts';

/** A server that archives into a directory store, as `wal push` would lay it down. */
export interface ArchivingServer {
  readonly connection: ConnectionSettings;
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly storeDirectory: string;
  /** From now on archive_command fails, or works again. */
  breakArchive(broken: boolean): Promise<void>;
}

export async function archivingServer(
  settings: Readonly<Record<string, string>> = {},
  given?: { readonly programs: ServerPrograms },
): Promise<ArchivingServer> {
  const user = await serverUser(testEnvironment());
  const programs = given?.programs ?? (await findServerPrograms(testPlaces(), { major: 15 }));
  const directory = await serverDirectory('archiving', user);
  const storeDirectory = path.join(directory, 'store');
  mkdirSync(storeDirectory, { mode: 0o700 });
  if (user) chownSync(storeDirectory, user.uid, user.gid);
  // What makes the archive structdb's is `wal.mjs` in the command.
  const script = path.join(directory, 'wal.mjs.sh');
  const broken = path.join(directory, 'broken');
  writeFileSync(
    script,
    `set -eu
test ! -e ${broken}
to=${storeDirectory}/$(echo "$3")/wal/$(echo "$2" | cut -c1-8)
mkdir -p "$to"
zstd -q -1 -o "$to/.structdb-tmp-$2" "$1"
mv "$to/.structdb-tmp-$2" "$to/$2.zst"
`,
  );
  chmodSync(script, 0o755);
  const connection = await startLoopbackServer({
    programs,
    user,
    directory,
    settings: { wal_level: 'replica', max_wal_senders: '6', archive_mode: 'on', ...settings },
  });
  const systemIdentifier = await sql(connection, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    return rows[0]!.id;
  });
  await setting(connection, 'archive_command', `sh ${script} "%p" "%f" ${systemIdentifier}`);
  return {
    connection,
    programs,
    user,
    directory,
    dataDirectory: path.join(directory, 'data'),
    storeDirectory,
    breakArchive: async (isBroken) => {
      if (isBroken) writeFileSync(broken, '');
      else rmSync(broken, { force: true });
    },
  };
}

export async function setting(connection: ConnectionSettings, name: string, value: string): Promise<void> {
  await sql(connection, async (client) => {
    await client.query(`alter system set ${name} = '${value.replaceAll("'", "''")}'`);
    await client.query('select pg_reload_conf()');
    // The connection's own process takes it between two statements.
    for (let current = ''; current !== value; ) {
      const { rows } = await client.query<{ value: string }>(`select current_setting('${name}') as value`);
      current = rows[0]!.value;
    }
  });
}

/** Options of a base backup into the server's own store. */
export function baseOptions(server: ArchivingServer, more: Partial<RunOptions> = {}): RunOptions {
  return {
    kind: 'base',
    connection: server.connection,
    store: openDirectoryStore({ path: server.storeDirectory, uid: process.geteuid?.() }),
    places: testPlaces(),
    policy: configSchema.parse({}).backup,
    actor,
    purpose: 'run',
    archiveWaitMs: 120_000,
    ...more,
  };
}

/** The folder of a backup in a directory store. */
export function folderOf(
  server: ArchivingServer,
  manifest: Pick<ClusterManifest, 'systemIdentifier' | 'label'>,
): string {
  return path.join(server.storeDirectory, manifest.systemIdentifier, 'backups', manifest.label);
}

/**
 * Puts a base backup into a directory with nothing but zstd, tar and ln, as docs/recovery-without-structdb.md says, and
 * lets pg_verifybackup look at every file and the WAL (`places` null: it is not installed). @throws what it complains of
 */
export async function unpackByHand(
  folder: string,
  target: string,
  tablespaceRoot: string,
  places: SearchPlaces | null = testPlaces(),
): Promise<void> {
  const manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')) as ClusterManifest;
  const unpack = (part: string, into: string) => {
    mkdirSync(into, { recursive: true, mode: 0o700 });
    execFileSync('sh', ['-c', 'zstd -dqc "$1" | tar xf - -C "$2"', 'sh', path.join(folder, part), into]);
  };
  unpack('base.tar.zst', target);
  execFileSync('cp', [path.join(folder, 'backup_manifest'), target]);
  for (const { oid } of manifest.tablespaces) {
    const location = path.join(tablespaceRoot, oid);
    unpack(`${oid}.tar.zst`, location);
    symlinkSync(location, path.join(target, 'pg_tblspc', oid));
  }
  if (places) {
    const program = await findProgram('pg_verifybackup', places, { major: manifest.server.major });
    execFileSync(program.path, ['--exit-on-error', target], { stdio: ['ignore', 'ignore', 'pipe'] });
  }
  // It would lead to where the tablespaces of the source are.
  if (manifest.tablespaces.length > 0) rmSync(path.join(target, 'tablespace_map'));
  for (const { setting: name, part } of manifest.configFiles) {
    const file = { config_file: 'postgresql.conf', hba_file: 'pg_hba.conf', ident_file: 'pg_ident.conf' }[name]!;
    execFileSync('cp', [path.join(folder, part), path.join(target, file)]);
  }
}

/** Starts a restored data directory on a socket of its own, for as long as `work` takes. */
export async function withRestored<T>(
  server: Pick<ArchivingServer, 'programs' | 'user' | 'connection'>,
  target: string,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const sockets = await mkdtemp('/tmp/structdb-s-');
  const { programs, user } = server;
  writeFileSync(
    path.join(target, 'postgresql.auto.conf'),
    `listen_addresses = ''\nunix_socket_directories = '${sockets}'\nport = 5432\narchive_mode = off\nfsync = off\nhba_file = '${target}/pg_hba.conf'\nident_file = '${target}/pg_ident.conf'\n`,
  );
  writeFileSync(path.join(target, 'pg_hba.conf'), 'local all all trust\n');
  writeFileSync(path.join(target, 'recovery.signal'), '');
  writeFileSync(path.join(target, 'postgresql.auto.conf'), "restore_command = 'false'\n", { flag: 'a' });
  if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, path.dirname(target), sockets]);
  chmodSync(target, 0o700);
  const running = { programs, dataDirectory: target, user };
  try {
    await startServer({ ...running, logFile: path.join(path.dirname(target), 'restored.log') }, testContext());
    const connection = { ...server.connection, host: sockets, port: 5432 };
    // pg_ctl returns as soon as it may be read; what was replayed is all there once it has been promoted.
    for (let recovering = true; recovering; ) {
      recovering = await sql(connection, async (client) => {
        const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
        return rows[0]!.standby;
      });
    }
    return await work(connection);
  } finally {
    await stopServer({ ...running, mode: 'immediate' }).catch(() => {});
    rmSync(sockets, { recursive: true, force: true });
  }
}

/** Names of everything below a backup's folder or the store's backups, temporary files included. */
export async function filesOfBackups(server: ArchivingServer): Promise<string[]> {
  const found: string[] = [];
  for (const cluster of await readdir(server.storeDirectory)) {
    const root = path.join(server.storeDirectory, cluster, 'backups');
    found.push(...((await readdir(root, { recursive: true }).catch(() => [])) as string[]));
  }
  return found;
}

/** A store that does something once, in the middle of the first object that is streamed into it. */
export function slowPut(store: Store, first: () => Promise<void>): Store {
  let done = false;
  return {
    location: store.location,
    sealing: store.sealing,
    put: (key, body) =>
      store.put(
        key,
        (async function* () {
          for await (const chunk of body) {
            yield chunk;
            if (!done) {
              done = true;
              await first();
            }
          }
        })(),
      ),
    putIfAbsent: store.putIfAbsent.bind(store),
    delete: store.delete.bind(store),
    sweep: store.sweep.bind(store),
    get: store.get.bind(store),
    head: store.head.bind(store),
    list: store.list.bind(store),
    folders: store.folders.bind(store),
    plainSha256: store.plainSha256.bind(store),
  };
}
