import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { structdb } from '../support/cli.ts';
import { MIGRATION_LOCK_KEY, withHeldLocks } from '../support/held-locks.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

const FILES = {
  '001_sites.sql': '-- migrate:up\ncreate table public.sites ();\n',
  '002_gate.sql': '-- migrate:up lock_timeout:0\nselect pg_advisory_xact_lock(4711);\n',
};

/** A project with these migrations, and a list of databases in which each has the name t0, t1, … */
async function project(connections: readonly ConnectionSettings[]): Promise<string> {
  const { project: directory } = await migrationFolder(FILES);
  const lines = connections.map((connection, index) => `t${index} = ${urlOf(connection)}`);
  await writeFile(path.join(directory, 'tenants.txt'), ['# tenants', ...lines, ''].join('\n'));
  return directory;
}

async function databases(count: number): Promise<ConnectionSettings[]> {
  const made: ConnectionSettings[] = [];
  for (let index = 0; index < count; index += 1) made.push(await server.createDatabase());
  return made;
}

const UP = ['migrate', 'up', '--migrations-dir', 'migrations', '--url-file'];

describe('structdb migrate up --url-file', () => {
  it('migrates them all, a line for each as it ends, and a table', async () => {
    const list = await databases(12);
    const cwd = await project(list);
    const first = await structdb([...UP, 'tenants.txt', '--jobs', '12'], { cwd });
    expect(first.exitCode).toBe(0);
    const ended = first.stderr
      .trim()
      .split('\n')
      .map((line) => line.replace(/ [\d.]+ m?s$/, ''));
    expect(ended.toSorted()).toEqual(
      list.map((_, index) => `✓ t${index}: applied 2 migrations, at 002_gate`).toSorted(),
    );
    const lines = first.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ {2}database +state +applied +now at +time$/);
    expect(lines.slice(1, 13)).toEqual(
      list.map((_, index) => expect.stringMatching(new RegExp(`^✓ t${index} +migrated +2 +002_gate +\\d`))),
    );
    expect(lines[13]).toBe('12 databases: 12 migrated.');
    const input = list
      .slice(0, 2)
      .map((connection) => urlOf(connection))
      .join('\n');
    const again = await structdb([...UP, '-', '--quiet'], { cwd, input });
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    const { port } = server.superuser;
    expect(again.stdout).toContain(`✓ 127.0.0.1:${port}/${list[0]!.database}  up to date  0`);
  });

  it('tells what failed beneath the table and in JSON, and ends with one exit code', async () => {
    const [a, b, c] = (await databases(3)) as [ConnectionSettings, ConnectionSettings, ConnectionSettings];
    const cwd = await project([{ ...a, password: 'not-the-password' }, b, c]);
    await withHeldLocks([b], MIGRATION_LOCK_KEY, async () => {
      const told = await structdb([...UP, 'tenants.txt', '--keep-going', '--lock-wait', '0', '1'], { cwd });
      expect(told.exitCode).toBe(1);
      expect(told.stdout).toMatch(
        /✗ t0 +failed +0 +not known .*\n✗ t1 +locked +0 +no migration .*\n✓ t2 +migrated +1 +001_sites .*\n✗ t0: .* refused the password .*\n {2}→ .*\n✗ t1: Another migration run holds the lock: pid .*\n {2}→ .*\n3 databases: 1 migrated, 1 failed, 1 locked\.\n$/,
      );
      expect(told.stderr).toContain('✗ 2 of 3 databases failed: t0, t1.');
      const { json, exitCode } = await structdb([...UP, 'tenants.txt', '--keep-going', '--lock-wait', '0', '--json'], {
        cwd,
      });
      expect(exitCode).toBe(1);
      expect(json).toMatchObject({
        command: 'migrate up',
        ok: false,
        error: { code: 'DATABASES_FAILED' },
        result: {
          databases: [
            { name: 't0', state: 'failed', pending: null, error: { code: 'AUTHENTICATION_FAILED' } },
            { name: 't1', state: 'locked', error: { code: 'LOCKED', hint: expect.any(String) } },
            { name: 't2', state: 'migrated', steps: [{ name: '002_gate', direction: 'up' }], pending: [], error: null },
          ],
        },
      });
      expect(told.stdout + told.stderr + JSON.stringify(json)).not.toContain('not-the-password');
      const locked = await structdb([...UP, '-', '--lock-wait', '0'], { cwd, input: urlOf(b) });
      expect(locked.exitCode).toBe(5);
    });
  });

  it('with Ctrl-C stops what is under way, begins nothing more, and the next run goes on', async () => {
    const list = await databases(3);
    const cwd = await project(list);
    await withHeldLocks(list, '4711', async (locks) => {
      let waiting: Promise<unknown> | undefined;
      const { exitCode, json } = await structdb([...UP, 'tenants.txt', '--jobs', '2', '--json', '--verbose'], {
        cwd,
        onStderr: (_, child) => {
          waiting ??= locks.untilWaiting(2).then(() => child.kill('SIGINT'));
        },
      });
      await waiting;
      expect(exitCode).toBe(130);
      expect(json).toMatchObject({ ok: false, error: { code: 'INTERRUPTED' } });
      expect(json.result.databases).toMatchObject([
        { state: 'interrupted', current: '001_sites' },
        { state: 'interrupted', current: '001_sites' },
        { state: 'not begun', current: null },
      ]);
    });
    expect((await structdb([...UP, 'tenants.txt'], { cwd })).exitCode).toBe(0);
  });

  it('answers wrong usage with exit 2, all bad lines at once, before anything runs', async () => {
    const [fine] = (await databases(1)) as [ConnectionSettings];
    const cwd = await project([fine]);
    await writeFile(path.join(cwd, 'bad.txt'), `${urlOf(fine)}\nhunter2\npostgres://u:hunter2@h:x/d\n`);
    const bad = await structdb([...UP, 'bad.txt'], { cwd });
    expect(bad).toMatchObject({ exitCode: 2, stdout: '' });
    expect(bad.stderr).toContain('    line 2: ');
    expect(bad.stderr).toContain('    line 3: ');
    expect(bad.stderr).not.toContain('hunter2');
    const status = ['migrate', 'status', '--migrations-dir', 'migrations', '--json', '--url', urlOf(fine)];
    expect((await structdb(status, { cwd })).json.result.current).toBeNull();
    for (const args of [
      [...UP, 'tenants.txt', '--url', urlOf(fine)],
      [...UP, 'tenants.txt', '--jobs', '0'],
      [...UP, 'tenants.txt', '--jobs', '65'],
      [...UP, 'tenants.txt', '--wait', '7'],
      ['migrate', 'up', '--jobs', '2', '--url', urlOf(fine)],
      ['migrate', 'up', '--keep-going', '--url', urlOf(fine)],
    ]) {
      expect(await structdb(args, { cwd })).toMatchObject({ exitCode: 2, stdout: '' });
    }
    expect(await structdb([...UP, 'none.txt'], { cwd })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no file none.txt.'),
    });
  });
});

describe('structdb migrate status --url-file', () => {
  it('tells the state of each, and with --check exits by the worst of them', async () => {
    const [done, fresh, edited] = (await databases(3)) as [ConnectionSettings, ConnectionSettings, ConnectionSettings];
    const list = [done, fresh, edited];
    const cwd = await project(list);
    const input = [done, edited].map(urlOf).join('\n');
    expect((await structdb([...UP, '-'], { cwd, input })).exitCode).toBe(0);
    const STATUS = ['migrate', 'status', '--migrations-dir', 'migrations', '--url-file'];
    const clean = await structdb([...STATUS, '-', '--check'], { cwd, input });
    expect(clean).toMatchObject({ exitCode: 0, stderr: '' });

    const pending = await structdb([...STATUS, 'tenants.txt', '--check', '--jobs', '1'], { cwd });
    expect(pending).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('✗ Migrations wait to be applied in 1 of 3 databases: t1.'),
    });
    expect(pending.stdout).toMatch(
      /^ {2}database +state +pending +at\n✓ t0 +up to date +0 +002_gate\n· t1 +pending +2 +no migration\n✓ t2 +up to date +0 +002_gate\n3 databases: 2 up to date, 1 pending\.\n$/,
    );
    expect((await structdb([...STATUS, 'tenants.txt'], { cwd })).exitCode).toBe(0);

    await sql(edited, (client) => client.query(`update structdb.migrations set checksum = repeat('0', 64)`));
    const changed = await structdb([...STATUS, 'tenants.txt', '--check', '--json'], { cwd });
    expect(changed.exitCode).toBe(4);
    expect(changed.json).toMatchObject({
      error: {
        code: 'MIGRATION_CHANGED',
        details: expect.arrayContaining([expect.stringMatching(/^t2: 001_sites was/)]),
      },
      result: {
        databases: [
          { name: 't0', state: 'up to date', pending: [], error: null },
          { name: 't1', state: 'pending', current: null, pending: ['001_sites', '002_gate'] },
          { name: 't2', state: 'changed', migrations: [{ state: 'edited' }, { state: 'edited' }] },
        ],
      },
    });

    const unasked = `${input}\n${urlOf({ ...fresh, password: 'not-the-password' })}`;
    const failed = await structdb([...STATUS, '-', '--check'], { cwd, input: unasked });
    expect(failed).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('1 changed, 1 failed.') });
    expect(failed.stdout + failed.stderr).not.toContain('not-the-password');
    expect((await structdb([...STATUS, 'tenants.txt', '--url', urlOf(done)], { cwd })).exitCode).toBe(2);
  });
});
