import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

const SITES = `import { type Kysely, sql } from 'kysely';
export async function up(db: Kysely<unknown>): Promise<void> { await sql\`create table public.sites ()\`.execute(db); }
`;
const ROOMS = '-- migrate:up\ncreate table public.rooms ();\n-- migrate:down\ndrop table public.rooms;\n';

describe('structdb migrate --migrations-dir', () => {
  it('works on the migrations of the folder with every verb', async () => {
    const { project } = await migrationFolder({ '001_sites.ts': SITES, '002_rooms.sql': ROOMS });
    const connection = await server.createOwnedDatabase();
    const { database } = connection;
    const url = urlOf(connection);
    const run = (...args: string[]) =>
      structdb(['migrate', ...args, '--migrations-dir', 'migrations'], { cwd: project });
    expect((await run('plan', '002')).stdout).toContain('create table public.rooms ();');
    expect(await run('up', '--url', url)).toMatchObject({
      exitCode: 0,
      stdout: 'Applied 2 migrations: the database is at 002_rooms.\n',
    });
    expect((await run('status', '--check', '--url', url)).exitCode).toBe(0);
    expect((await run('plan', '--url', url)).stdout).toBe(
      `-- nothing would run: database ${database} is at 002_rooms\n`,
    );
    expect((await run('lint', '002')).stdout).toBe('1 migration: no errors, no warnings.\n');
    expect((await run('down', '--yes', '--url', url)).stdout).toBe(
      'Took back 1 migration: the database is at 001_sites, 1 pending.\n',
    );
    expect((await run('to', '002', '--yes', '--url', url)).exitCode).toBe(0);
    await writeFile(path.join(project, 'migrations/002_rooms.sql'), ROOMS.replace('()', '(name text)'));
    expect((await run('status', '--check', '--url', url)).exitCode).toBe(4);
    expect((await run('repair', '--all', '--yes', '--url', url)).exitCode).toBe(0);
    expect((await run('status', '--check', '--url', url)).exitCode).toBe(0);
  });

  it('tells what a down of any SQL would lose before it asks, and refuses first what has no way back', async () => {
    const { project } = await migrationFolder({
      '001_once.sql': '-- migrate:up\ncreate schema app;\n-- migrate:irreversible the archive has it\n',
      '002_rooms.sql': `-- migrate:up
create table rooms (id int primary key, "Größe" int);
insert into rooms values (1, 10), (2, null);
create table doors (room_id int references rooms);
create materialized view room_list as select id from rooms;
-- migrate:down
DROP TABLE rooms CASCADE;
DROP TABLE IF EXISTS "doors", nowhere;
`,
      '003_size.sql': `-- migrate:up
create table app.log (id int);
-- migrate:down
ALTER TABLE rooms DROP COLUMN "Größe";
DO $$ BEGIN EXECUTE 'drop table app.' || 'log'; END $$;
`,
    });
    const url = urlOf(await server.createOwnedDatabase());
    const run = (...args: string[]) =>
      structdb(['migrate', ...args, '--migrations-dir', 'migrations', '--url', url], { cwd: project });
    expect((await run('up')).exitCode).toBe(0);
    const asked = await run('down');
    expect(asked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(asked.stderr).toContain(
      '    column rooms."Größe": values in 1 row\n    003_size, statement 2, a DO block: what it loses is not known\n',
    );
    const { json } = await run('to', '001', '--json');
    expect(json.error).toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      details: [
        '003_size, statement 2, a DO block: what it loses is not known',
        'table rooms: 2 rows',
        'materialised view room_list: 2 rows, by CASCADE',
        'table doors: 0 rows',
      ],
    });
    for (const args of [
      ['down', '3'],
      ['down', '3', '--yes'],
      ['down', '3', '--json'],
    ]) {
      const refused = await run(...args);
      expect(refused.exitCode).toBe(1);
      expect(refused.json?.error ?? { code: 'MIGRATION_IRREVERSIBLE', message: refused.stderr }).toMatchObject({
        code: 'MIGRATION_IRREVERSIBLE',
        message: expect.stringContaining(
          'Migration 001_once is marked irreversible (the archive has it): nothing was taken back.',
        ),
      });
    }
    expect((await run('to', '001', '--yes')).stdout).toBe(
      'Took back 2 migrations: the database is at 001_once, 2 pending.\n',
    );
  });

  it('is what migrations.directory of the configuration names, from its folder', async () => {
    const { project } = await migrationFolder({ '001_sites.ts': SITES });
    await writeFile(
      path.join(project, 'structdb.config.ts'),
      `export default { migrations: { directory: 'migrations' } };`,
    );
    const plan = await structdb(['migrate', 'plan', '--json'], { cwd: path.join(project, 'migrations') });
    expect(plan.json.result.migrations.map(({ name }: { name: string }) => name)).toEqual(['001_sites']);
  });

  it('says in which line a file cannot be imported', async () => {
    const { project } = await migrationFolder({
      '001_syntax.ts': 'export const a = 1;\nexport async function up( {\n',
      '002_enum.ts': 'enum Colour { red }\nexport async function up() {}\n',
      '003_throws.ts': '\n\nthrow new Error("boom");\n',
      '004_package.ts': `\nimport x from 'no-such-package';\nexport async function up() { x(); }\n`,
      '005_file.ts': `import { x } from './lib/none.ts';\nexport async function up() { x(); }\n`,
      '006_javascript.js': 'export const a = 1;\nexport async function up( {\n',
      '007_below.ts': `import './lib/bad.ts';\nexport async function up() {}\n`,
      'lib/bad.ts': '\nthrow new Error("deep");\n',
    });
    const { exitCode, stderr, stdout } = await structdb(['migrate', 'plan', '--migrations-dir', 'migrations'], {
      cwd: project,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const lines = stderr.split('\n').map((line) => line.trim());
    expect(lines[0]).toBe('✗ The migrations in migrations have 7 problems.');
    expect(lines.slice(1, 8)).toEqual([
      expect.stringMatching(/^001_syntax\.ts:2: cannot be imported: /),
      '002_enum.ts:1: TypeScript enum is not supported in strip-only mode: Node leaves types out and translates nothing',
      '003_throws.ts:3: cannot be imported: boom',
      '004_package.ts:2: cannot find the package "no-such-package"; install it: npm install no-such-package',
      '005_file.ts:1: cannot find the file "none.ts" that it imports',
      expect.stringMatching(/^006_javascript\.js:2: cannot be imported: /),
      '007_below.ts: lib/bad.ts:2: cannot be imported: deep',
    ]);
    expect(lines[8]).toMatch(/^→ Correct the files/);
  });
});
