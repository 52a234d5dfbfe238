import { execFile, execFileSync } from 'node:child_process';
import { chown, mkdir, readFile, realpath, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { runBackup } from '../../src/backup/index.ts';
import { configSchema, type StoreConfig } from '../../src/config/schema.ts';
import { stopServer } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import {
  readMarkers,
  rowsOf,
  type SourceCluster,
  sourceCluster,
  takeBackup,
  writeMarkers,
} from '../restore/cluster-support.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const PAGE = path.join(projectRoot, 'docs/recovery-without-structdb.md');
/** All that the page may use: no node, no structdb. */
const PROGRAMS = 'age cat cp cut dirname env grep ln locale ls mkdir rm sed sh sha256sum sleep tar touch zstd'.split(
  ' ',
);

/** The blocks of the page that are run, in order; the first one names what differs from case to case. */
async function blocks(from: string, to?: string): Promise<string> {
  const text = await readFile(PAGE, 'utf8');
  const start = text.indexOf(from);
  const part = text.slice(start, to === undefined ? undefined : text.indexOf(to, start));
  return [...part.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code]) => code).join('\n');
}

async function folderOfPrograms(scratch: string): Promise<string> {
  const folder = path.join(scratch, 'programs');
  await mkdir(folder);
  for (const name of PROGRAMS) {
    const found = execFileSync('sh', ['-c', `command -v ${name} || true`], { encoding: 'utf8' }).trim();
    if (found) await symlink(found, path.join(folder, name));
  }
  return folder;
}

/** As the owner of PostgreSQL's files, with a PATH that has no node. */
async function run(script: string, programs: string, { user }: SourceCluster): Promise<string> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-ec', script], {
    env: { PATH: programs, LC_ALL: 'C.UTF-8' },
    cwd: '/',
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  }).catch((error: { stderr: string }) => {
    throw new Error(`The page does not work: ${error.stderr}`);
  });
  return stdout;
}

const shell = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** Makes a cluster with a base backup, WAL and a dump in such a store, and brings both back as the page says. */
export async function bringBackByHand(kind: 'plain' | 'encrypted'): Promise<void> {
  const scratch = await scratchDirectory();
  const identity = path.join(scratch, 'identity');
  execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' });
  const recipient = /age1\w+/.exec(await readFile(identity, 'utf8'))![0];
  const location = path.join(scratch, 'the store');
  const settings: StoreConfig = {
    type: 'directory',
    path: location,
    groupAccess: false,
    ...(kind === 'encrypted' ? { encryption: { recipients: [recipient] } } : {}),
  };
  const owner = await serverUser(testEnvironment());
  const store = await openStoreOf(settings, { uid: process.geteuid?.(), owner });
  const archived = await sourceCluster(scratch, { store });
  const tablespace = path.join(archived.directory, 'elsewhere');
  await mkdir(tablespace);
  if (owner) for (const own of [tablespace, identity]) await chown(own, owner.uid, owner.gid);
  await sql(archived.connection, async (client) => {
    await client.query(`create tablespace elsewhere location '${tablespace}'`);
    await client.query('create table far tablespace elsewhere as select 1 as a');
  });
  await writeMarkers(archived.connection, ['in the backup']);
  const base = await takeBackup(archived);
  const markers = await writeMarkers(archived.connection, ['in the WAL', 'ünïcode']);
  const dump = await runBackup(
    {
      connection: archived.connection,
      store,
      places: testPlaces(),
      policy: configSchema.parse({}).backup,
      actor: { host: 'alpha', user: 'ada', command: 'backup run' },
      purpose: 'run',
    },
    testContext(),
  );
  await archived.archive();
  await archived.stop('immediate');

  const programs = await folderOfPrograms(scratch);
  const bin = path.dirname(await realpath(archived.programs.postgres.path));
  const restored = path.join(archived.directory, 'restored');
  const variables = (label: string) =>
    [
      `STORE=${shell(location)}`,
      `CLUSTER=${archived.systemIdentifier}`,
      `LABEL=${label}`,
      `BIN=${bin}`,
      `PGDATA=${restored}`,
      `TABLESPACES=${path.join(archived.directory, 'tablespaces')}`,
      `IDENTITY=${identity}`,
      `export PGHOST=${archived.directory} PGPORT=5433 PGUSER=postgres`,
    ].join('\n');
  const common = await blocks('And for both kinds', '## A whole cluster');
  try {
    const checked = await run(
      [variables(base), common, await blocks('## A whole cluster', '## One database')].join('\n'),
      programs,
      archived,
    );
    expect(checked).toContain('backup successfully verified');
    const server = { ...archived.connection, port: 5433 };
    expect((await readMarkers(server)).slice(1)).toEqual(rowsOf(markers));
    expect((await sql(server, (client) => client.query('select a from far'))).rows).toEqual([{ a: 1 }]);

    await run([variables(dump.label), common, await blocks('## One database')].join('\n'), programs, archived);
    expect(await readMarkers({ ...server, database: 'restored' })).toHaveLength(3);
  } finally {
    await stopServer({ programs: archived.programs, dataDirectory: restored, user: owner, mode: 'immediate' });
  }
}
