import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { plan } from '../../src/migrate/index.ts';
import { structdb } from '../support/cli.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { urlOf, useServer } from '../support/postgres.ts';

const server = useServer();
const SITES = '-- migrate:up\ncreate table public.sites (id int);\n-- migrate:down\ndrop table public.sites;\n';

const create = (cwd: string, ...args: string[]) => structdb(['migrate', 'create', ...args], { cwd });
const filesOf = (project: string) => readdir(path.join(project, 'migrations'));

describe('structdb migrate create', () => {
  it('prints the path of the new file, which plan takes, lint finds empty, and up applies', async () => {
    const { project } = await migrationFolder({ '001_sites.sql': SITES });
    const where = ['--migrations-dir', 'migrations'];
    expect(await create(project, 'Add rooms', ...where)).toMatchObject({
      exitCode: 0,
      stdout: 'migrations/002_add_rooms.ts\n',
      stderr: '',
    });
    expect((await create(project, 'doors', '--sql', '--json', ...where)).json).toMatchObject({
      command: 'migrate create',
      ok: true,
      result: { name: '003_doors', file: 'migrations/003_doors.sql', number: '003' },
    });
    const run = (...args: string[]) => structdb(['migrate', ...args, ...where], { cwd: project });
    expect((await run('plan', '002', '003')).exitCode).toBe(0);
    const linted = await run('lint', '002', '003', '--json');
    expect(linted.exitCode).toBe(4);
    expect(linted.json.result.findings.map(({ rule }: { rule: string }) => rule)).toEqual([
      'empty-migration',
      'empty-migration',
    ]);
    const url = urlOf(await server.createOwnedDatabase());
    const applied = await run('up', '--url', url);
    expect(applied).toMatchObject({ exitCode: 0, stdout: 'Applied 3 migrations: the database is at 003_doors.\n' });
    expect(applied.stderr).toContain('! Migration 002_add_rooms has no statement');
  });

  it('is what the error of an empty folder advises', async () => {
    const { project } = await migrationFolder({});
    const { stderr } = await structdb(['migrate', 'plan', '--migrations-dir', 'migrations'], { cwd: project });
    const [, advice] = /structdb (migrate create <name> .*)$/m.exec(stderr)!;
    const args = advice!.replace('<name>', 'first').split(' ');
    expect(await structdb(args, { cwd: project })).toMatchObject({ exitCode: 0, stdout: 'migrations/001_first.ts\n' });
  });

  it('without a named folder makes migrations/ of the project, and says how it will be used', async () => {
    const { project } = await migrationFolder({});
    const below = path.join(project, 'app');
    await mkdir(path.join(below, 'src'), { recursive: true });
    await mkdir(path.join(below, '.structdb'));
    const first = await create(below, 'x');
    expect(first).toMatchObject({ exitCode: 0, stdout: 'migrations/001_x.ts\n' });
    expect(first.stderr).toContain('The folder migrations was not there: created');
    expect(first.stderr).toContain('The other commands still take the migrations that ship.');
    expect(first.stderr).toContain('--migrations-dir migrations, or in structdb.config.ts: migrations:');
    const second = await create(path.join(below, 'src'), 'y');
    expect(second.stdout).toBe(`${path.join(below, 'migrations/002_y.ts')}\n`);
    expect((await create(below, 'z', '--quiet')).stderr).toBe('');
  });

  it('with migrations.directory of the configuration takes that folder, and has nothing to explain', async () => {
    const { project } = await migrationFolder({ '20251125093000_sites.sql': SITES });
    await writeFile(
      path.join(project, 'structdb.config.ts'),
      `export default { migrations: { directory: 'migrations' } };`,
    );
    const { stdout, stderr } = await create(project, 'rooms');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^migrations\/20\d{12}_rooms\.ts\n$/);
  });

  it('beside the migrations that ship says that they are registered', async () => {
    const shipped = (await plan()).map(({ name }) => [`${name}.sql`, SITES]);
    const { project } = await migrationFolder(Object.fromEntries(shipped));
    const { stdout, stderr } = await create(project, 'x');
    expect(stdout).toBe('migrations/007_x.ts\n');
    expect(stderr).toContain('src/migrate/registry.ts');
  });

  it('answers wrong usage with exit 2 and writes nothing', async () => {
    const { project } = await migrationFolder({ '999_sites.sql': SITES, 'ours.ts.txt': '' });
    await writeFile(path.join(project, 'ours.ts'), 'export async function up() {}\n');
    const where = ['--migrations-dir', 'migrations'];
    for (const args of [
      [],
      [''],
      ['a/b'],
      ['..'],
      ['a', 'b'],
      ['a'],
      ['a', '--sql', '--template', 'ours.ts'],
      ['a', '--template', 'package.json'],
    ]) {
      const { exitCode, stdout, stderr } = await create(project, ...args, ...where);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 2, stdout: '' });
      expect(stderr).toMatch(/^ {2}→ ./m);
    }
    expect(await filesOf(project)).toEqual(['999_sites.sql', 'ours.ts.txt']);
  });

  it('run several times at once gives each its number', async () => {
    const { project } = await migrationFolder({ '001_sites.sql': SITES });
    const names = ['a', 'b', 'c', 'd'];
    const all = await Promise.all(names.map((name) => create(project, name, '--migrations-dir', 'migrations')));
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    expect((await filesOf(project)).map((file) => file.slice(0, 4))).toEqual(['001_', '002_', '003_', '004_', '005_']);
  });
});
