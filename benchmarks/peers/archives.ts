/** The two archives of the WAL comparisons: structdb's program as `dev start` lays it down, and a stanza of pgBackRest. */
import { execFileSync } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { writeArchiveProgram } from '../../src/repository/archive-program.ts';
import type { ArchiveChoices } from '../../src/repository/archive-settings.ts';

export type ClusterIdentity = Pick<ArchiveChoices, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>;

/** Of the server behind psql. */
export function identityOf(psql: (script: string) => string): ClusterIdentity {
  const [identifier, size, major] = psql(
    `\\pset format unaligned\n\\pset tuples_only on\n\\pset fieldsep ' '
     select system_identifier, setting, current_setting('server_version_num')::int / 10000
     from pg_control_system(), pg_settings where name = 'wal_segment_size'`,
  )
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ') as [string, string, string];
  return { systemIdentifier: identifier, segmentSizeBytes: Number(size), major: Number(major) };
}

/** structdb's archive in a folder, for a server that runs as `user`. */
export async function prepareOwn(folder: string, identity: ClusterIdentity, user: SystemUser | undefined) {
  const storePath = path.join(folder, 'store');
  await mkdir(storePath, { recursive: true });
  await give([folder, storePath], user);
  const store = { type: 'directory' as const, path: storePath, groupAccess: false };
  const program = await writeArchiveProgram(path.join(folder, 'archive'), { store, ...identity }, user);
  return { ...program, wal: path.join(folder, 'archive', 'wal.mjs') };
}

/** A stanza for this cluster: Zstandard at level 1 as structdb has it, synchronous. */
export async function preparePeer(
  folder: string,
  { host, port, user: role }: ConnectionSettings,
  dataDirectory: string,
  user: SystemUser | undefined,
) {
  await mkdir(folder);
  const config = path.join(folder, 'pgbackrest.conf');
  await writeFile(
    config,
    `[global]
repo1-path=${folder}/repository
log-path=${folder}
lock-path=${folder}
log-level-console=off
log-level-file=off
compress-type=zst
compress-level=1
[peer]
pg1-path=${dataDirectory}
pg1-socket-path=${host}
pg1-port=${port}
pg1-user=${role}
`,
  );
  await give([folder, config], user);
  const words = [`--config=${config}`, '--stanza=peer'];
  execFileSync('pgbackrest', [...words, 'stanza-create'], {
    stdio: 'inherit',
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  });
  const command = `pgbackrest ${words.join(' ')}`;
  return { words, archiveCommand: `${command} archive-push "%p"`, command };
}

async function give(files: readonly string[], user: SystemUser | undefined): Promise<void> {
  if (user) for (const file of files) await chown(file, user.uid, user.gid);
}
