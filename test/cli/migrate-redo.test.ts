import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

const SITES = '-- migrate:up\ncreate table public.sites (id int);\n-- migrate:down\ndrop table public.sites;\n';
const ROOMS = '-- migrate:up\ncreate table public.rooms (id int);\n-- migrate:down\ndrop table public.rooms;\n';
const DOORS = '-- migrate:up\ncreate table public.doors (id int);\n-- migrate:down\ndrop table public.doors;\n';

async function newDatabase(applied: number) {
  const files = { '001_sites.sql': SITES, '002_rooms.sql': ROOMS, '003_doors.sql': DOORS };
  const { project } = await migrationFolder(files);
  const connection = await server.createOwnedDatabase();
  const where = ['--migrations-dir', 'migrations', '--url', urlOf(connection)];
  const run = (...args: string[]) => structdb(['migrate', ...args, ...where], { cwd: project });
  if (applied > 0) expect((await run('up', String(applied))).exitCode).toBe(0);
  const write = (file: string, text: string) => writeFile(path.join(project, 'migrations', file), text);
  return { connection, project, run, where, write };
}

describe('structdb migrate redo', () => {
  it('says what will be lost, wants --yes without a terminal, and then does it', async () => {
    const { connection, run, write } = await newDatabase(2);
    await sql(connection, (client) => client.query('insert into rooms values (1), (2)'));
    const refused = await run('redo');
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain(`Take back 002_rooms in database "${connection.database}" and apply again?`);
    expect(refused.stderr).toContain('table rooms: 2 rows');
    await write('002_rooms.sql', ROOMS.replace('id int', 'id int, name text'));
    const done = await run('redo', '--yes');
    expect(done).toMatchObject({
      exitCode: 0,
      stdout: 'Took back and applied again 1 migration: the database is at 002_rooms, 1 pending.\n',
    });
    expect(done.stderr).toMatch(/✓ Took back 002_rooms .*\n✓ Applied 002_rooms /);
    expect((await run('redo', '2', '--yes', '--json')).json).toMatchObject({
      command: 'migrate redo',
      ok: true,
      result: {
        steps: [
          { name: '002_rooms', direction: 'down' },
          { name: '001_sites', direction: 'down' },
          { name: '001_sites', direction: 'up' },
          { name: '002_rooms', direction: 'up' },
        ],
        current: '002_rooms',
        pending: ['003_doors'],
      },
    });
    expect(await sql(connection, (client) => client.query('select name from rooms'))).toMatchObject({ rows: [] });
  });

  it('has nothing to do, and asks nothing, where nothing is applied', async () => {
    const { run } = await newDatabase(0);
    expect(await run('redo')).toMatchObject({
      exitCode: 0,
      stdout: 'Nothing to do: no migration is applied, 3 pending.\n',
    });
  });

  it('refuses a migration without a way back before it asks, and a number that is none', async () => {
    const { run, write } = await newDatabase(2);
    await write('002_rooms.sql', '-- migrate:up\ncreate table public.rooms (id int);\n');
    const refused = await run('redo');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('✗ Migration 002_rooms has no down: nothing was taken back.');
    expect((await run('redo', '0', '--yes')).exitCode).toBe(2);
    expect((await run('redo', '--yes', '--lock-wait', 'soon')).exitCode).toBe(2);
  });

  it('after a failed way up says where the database is, and the next up goes on', async () => {
    const { run, write } = await newDatabase(2);
    await write('002_rooms.sql', ROOMS.replace('id int', 'id itn'));
    const failed = await run('redo', '--yes');
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toContain('migrations/002_rooms.sql:2');
    expect(failed.stderr).toContain(
      '002_rooms was taken back and not applied again: the database is now at 001_sites, with 002_rooms, 003_doors pending.',
    );
    expect(failed.stderr).toContain('→ Correct the cause, then run: structdb migrate up 1');
    await write('002_rooms.sql', ROOMS);
    expect((await run('up', '1')).stdout).toBe('Applied 1 migration: the database is at 002_rooms, 1 pending.\n');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGKILL', 256],
  ] as const)('stopped by %s after the way back leaves what the next up applies', async (signal, exitCode) => {
    const { connection, project, run, where, write } = await newDatabase(2);
    await write('002_rooms.sql', ROOMS.replace('-- migrate:down', 'select pg_sleep(60);\n-- migrate:down'));
    let stopped = false;
    const ended = await structdb(['migrate', 'redo', '--yes', '--verbose', ...where], {
      cwd: project,
      onStderr: (soFar, child) => {
        if (stopped || !soFar.includes('Applying 002_rooms')) return;
        stopped = true;
        child.kill(signal);
      },
    });
    expect(ended.exitCode).toBe(exitCode);
    if (signal === 'SIGINT') {
      expect(ended.stderr).toContain(
        'Interrupted. 002_rooms was taken back and not applied again: the database is now at 001_sites, with 002_rooms, 003_doors pending.',
      );
    }
    await write('002_rooms.sql', ROOMS);
    expect((await run('up', '1')).stdout).toBe('Applied 1 migration: the database is at 002_rooms, 1 pending.\n');
    expect((await sql(connection, (client) => client.query('select from rooms'))).rows).toEqual([]);
  });
});
