import { spawn } from 'node:child_process';
import { chown, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { readSystemIdentifier } from '../../src/devdb/cluster-files.ts';
import {
  findServerPrograms,
  freePort,
  type ServerPrograms,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { renderSettings, scratchSettings } from '../../src/postgres/settings.ts';
import { baseProgramEnvironment } from '../../src/programs/credentials.ts';
import { runProgram, type SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { type ArchiveProgram, writeArchiveProgram } from '../../src/repository/archive-program.ts';
import type { ArchiveChoices } from '../../src/repository/archive-settings.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

/** Segments of these clusters have 1 MiB: WAL of a test stays small and switches often. */
export const SEGMENT_BYTES = 1024 * 1024;

export interface TestCluster {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly connection: ConnectionSettings;
  readonly systemIdentifier: string;
  readonly user: SystemUser | undefined;
  readonly programs: ServerPrograms;
  /** What its archive.json needs beside the store. */
  readonly identity: Pick<ArchiveChoices, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>;
  query(statement: string): Promise<Record<string, string>[]>;
  start(): Promise<void>;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Appends to postgresql.conf. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
}

const started: TestCluster[] = [];

// Registered when a test file imports this module, before the scratch folders' own: hooks run in reverse order.
afterAll(async () => {
  for (const cluster of started) await cluster.stop('immediate').catch(() => {});
});

/** A running server of its own with small segments, stopped after the tests of the file. */
export async function newCluster(settings: Readonly<Record<string, string>> = {}): Promise<TestCluster> {
  const user = await serverUser(testEnvironment());
  const directory = await scratchDirectory();
  const dataDirectory = path.join(directory, 'data');
  const programs = await findServerPrograms(testPlaces());
  await mkdir(dataDirectory, { mode: 0o700 });
  if (user) for (const own of [directory, dataDirectory]) await chown(own, user.uid, user.gid);
  await runProgram(
    programs.initdb,
    [
      '-D',
      dataDirectory,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale',
      'C.UTF-8',
      '--wal-segsize=1',
      '-N',
    ],
    { env: baseProgramEnvironment, user, doing: 'initdb' },
  );
  const cluster = await describeCluster(directory, dataDirectory, programs, user);
  await cluster.configure({
    ...scratchSettings(),
    wal_level: 'replica',
    max_wal_senders: '10',
    fsync: 'off',
    min_wal_size: '2MB',
    max_wal_size: '64MB',
    ...settings,
  });
  await cluster.start();
  return cluster;
}

/** A copy of a stopped cluster's data directory, to be started on its own. */
export async function copyCluster(from: TestCluster): Promise<TestCluster> {
  const directory = await scratchDirectory();
  const dataDirectory = path.join(directory, 'data');
  // cp -a keeps owners.
  await cp(from.dataDirectory, dataDirectory, { recursive: true, preserveTimestamps: true });
  await giveTo(directory, from.user);
  return describeCluster(directory, dataDirectory, from.programs, from.user);
}

/** Makes a file or folder, with all in it, the server's. */
export async function giveTo(target: string, user: SystemUser | undefined): Promise<void> {
  if (!user) return;
  await chown(target, user.uid, user.gid);
  const names = await readdir(target, { recursive: true }).catch(() => []);
  for (const name of names) await chown(path.join(target, name), user.uid, user.gid);
}

async function describeCluster(
  directory: string,
  dataDirectory: string,
  programs: ServerPrograms,
  user: SystemUser | undefined,
): Promise<TestCluster> {
  const port = await freePort();
  const connection: ConnectionSettings = Object.freeze({
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    tls: { mode: 'disable' as const },
    connectTimeoutMs: 5000,
    source: 'a test cluster',
  });
  const systemIdentifier = await readSystemIdentifier(dataDirectory);
  const server = { programs, dataDirectory, user, logFile: path.join(directory, 'server.log') };
  const cluster: TestCluster = {
    directory,
    dataDirectory,
    connection,
    systemIdentifier,
    user,
    programs,
    identity: { systemIdentifier, segmentSizeBytes: SEGMENT_BYTES, major: programs.postgres.major },
    query: (statement) => sql(connection, async (client) => (await client.query(statement)).rows),
    start: () => startServer(server, testContext()),
    stop: (mode = 'fast') => stopServer({ ...server, mode }),
    configure: async (settings) => {
      const text = renderSettings({
        ...settings,
        port: String(port),
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
      });
      await writeFile(path.join(dataDirectory, 'postgresql.conf'), text, { flag: 'a' });
      await giveTo(path.join(dataDirectory, 'postgresql.conf'), user);
    },
  };
  started.push(cluster);
  return cluster;
}

export interface TestArchive extends ArchiveProgram {
  readonly folder: string;
  readonly store: Store;
  readonly storePath: string;
  /** Runs `wal.mjs` with these words. */
  run(words: readonly string[]): Promise<Ended>;
  /** Path of a stored WAL file. */
  stored(name: string): string;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** An archive of its own for a cluster: the bundled program, its settings and an empty directory store. */
export async function newArchive(cluster: TestCluster, choices: Partial<ArchiveChoices> = {}): Promise<TestArchive> {
  const folder = await scratchDirectory();
  const storePath = path.join(folder, 'store');
  await mkdir(storePath, { mode: 0o700 });
  if (cluster.user) await chown(storePath, cluster.user.uid, cluster.user.gid);
  const settings = { ...cluster.identity, store: { type: 'directory' as const, path: storePath, groupAccess: false } };
  const program = await writeArchiveProgram(path.join(folder, 'archive'), { ...settings, ...choices }, cluster.user);
  return {
    ...program,
    folder,
    storePath,
    store: openDirectoryStore({ path: storePath, uid: process.geteuid?.(), owner: cluster.user }),
    run: (words) => run(process.execPath, [path.join(folder, 'archive', 'wal.mjs'), ...words]),
    stored: (name) => path.join(storePath, cluster.systemIdentifier, 'wal', name.slice(0, 8), `${name}.zst`),
  };
}

/** Runs a program to its end, whatever that is. */
export async function run(file: string, args: readonly string[], cwd = '/'): Promise<Ended> {
  const child = spawn(file, [...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stderr }));
  });
}

/** Waits for a condition. @throws when it does not come to pass in time */
export async function until(what: string, fulfilled: () => Promise<boolean>, withinMs = 180_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await fulfilled())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
