import { chmod, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { newCluster, type TestCluster, until } from './support.ts';

describe('structdb wal setup', () => {
  let cluster: TestCluster;
  let project: string;
  let folder: string;

  beforeAll(async () => {
    cluster = await newCluster({ archive_mode: 'on', archive_command: 'false' });
    project = await scratchDirectory();
    folder = path.join(project, 'archive');
    await writeFile(
      path.join(project, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } } };`,
    );
    // The server's user makes the store by its first push.
    await chmod(project, 0o777);
  });

  const setUp = (...args: string[]) => structdb(['wal', 'setup', folder, '--json', ...args], { cwd: project });
  const url = () => `postgres://postgres@127.0.0.1:${cluster.connection.port}/postgres?sslmode=disable`;

  it('lets a server archive that is not the private one', async () => {
    const { exitCode, json } = await setUp('--data-directory', cluster.dataDirectory);
    expect(exitCode).toBe(0);
    expect(json.result).toMatchObject({ directory: folder, systemIdentifier: cluster.systemIdentifier });

    await cluster.query(`alter system set archive_command = '${json.result.archiveCommand.replaceAll("'", "''")}'`);
    await cluster.query('select pg_reload_conf()');
    const [row] = await cluster.query(
      'select pg_walfile_name(pg_current_wal_lsn()) as name, pg_switch_wal() as switched',
    );
    const archived = path.join(project, 'store', cluster.systemIdentifier, 'wal', '00000001');
    await until('the segment in the store', async () => {
      const names: string[] = await readdir(archived).catch(() => []);
      return names.includes(`${row!.name}.zst`);
    });
    const status = await structdb(['wal', 'status', '--json', '--url', url()], { cwd: project });
    expect(status.json.result.clusters[0].systemIdentifier).toBe(cluster.systemIdentifier);
  });

  it('asks a server that answers, with the same outcome, and prints what goes into postgresql.conf', async () => {
    const { json } = await setUp('--url', url());
    const again = await structdb(['wal', 'setup', folder, '--url', url()], { cwd: project });
    expect(json.result.systemIdentifier).toBe(cluster.systemIdentifier);
    expect(again.stdout).toContain(`archive_command = '${json.result.archiveCommand.replaceAll("'", "''")}'`);
  });

  it('refuses a folder that holds no cluster', async () => {
    const { exitCode, json } = await setUp('--data-directory', project);
    expect(exitCode).toBe(2);
    expect(json.error.message).toContain('is no data directory');
  });
});
