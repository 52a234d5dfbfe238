import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { stopServer } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { structdb } from '../support/cli.ts';
import { testEnvironment } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { type SourceCluster, sourceCluster, takeBackup } from './cluster-support.ts';

let scratch: string;
let source: SourceCluster;
let pidFile: string;
let pid: string;

beforeAll(async () => {
  scratch = await scratchDirectory();
  const pids = path.join(scratch, 'pids');
  await mkdir(pids);
  const user = await serverUser(testEnvironment());
  if (user) await chown(pids, user.uid, user.gid);
  pidFile = path.join(pids, 'main.pid');
  source = await sourceCluster(scratch, { settings: { external_pid_file: pidFile } });
  pid = await readFile(pidFile, 'utf8');
  await sql(source.connection, async (client) => {
    await client.query('create role helper superuser login');
    await client.query('create role backup replication login');
  });
  await sql({ ...source.connection, user: 'helper', database: 'template1' }, async (client) => {
    await client.query('alter role postgres rename to "the boss"');
    await client.query('alter database postgres rename to "our data"');
  });
});

let cwd: string;
beforeAll(async () => {
  cwd = path.join(scratch, 'project');
  await mkdir(cwd);
  await writeFile(
    path.join(cwd, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: ${JSON.stringify(source.store.location)} } } };`,
  );
});

/** As a plain role that may do no more than make base backups. */
const asBackup = () => ({
  ...source,
  connection: { ...source.connection, user: 'backup', database: 'our data' },
});

describe('a cluster without a role or a database named "postgres"', () => {
  it('is replayed, and the line that is printed leads into it as a superuser', async () => {
    await sql({ ...source.connection, user: 'helper', database: 'our data' }, (client) =>
      client.query('create table here as select 1 as n'),
    );
    await takeBackup(asBackup());
    const dataDirectory = path.join(scratch, 'restored');
    const run = await structdb(['restore', '--target', dataDirectory, '--replay', '--keep-running'], { cwd });
    expect(run).toMatchObject({ exitCode: 0 });
    const printed = /^It runs, isolated: psql -h (\S+) -U '(.*)' -d '(.*)'$/m.exec(run.stdout);
    const [, socket, user, database] = printed ?? [];
    try {
      const connection = { ...source.connection, host: socket!, user: user!, database: database! };
      const { rows } = await sql(connection, (client) =>
        client.query('select rolsuper, n from here, pg_roles where rolname = current_user'),
      );
      expect({ user, rows }).toEqual({ user: 'the boss', rows: [{ rolsuper: true, n: 1 }] });
    } finally {
      await stopRestored(dataDirectory);
      if (socket) await rm(socket, { recursive: true, force: true });
    }
  });

  it('is drilled when it has no database but the templates', async () => {
    const connection = { ...source.connection, user: 'helper', database: 'template1' };
    await sql(connection, (client) => client.query('drop database "our data"'));
    await takeBackup({ ...source, connection });
    const { exitCode, json } = await structdb(['dr-test', '--json'], { cwd });
    expect({ exitCode, databases: json.result.databases }).toEqual({ exitCode: 0, databases: [] });
  });

  it('keeps the external_pid_file of its running server all the while', async () => {
    expect(await readFile(pidFile, 'utf8')).toBe(pid);
  });
});

async function stopRestored(dataDirectory: string): Promise<void> {
  const { programs, user } = source;
  await stopServer({ programs, dataDirectory, user, mode: 'immediate' });
}
