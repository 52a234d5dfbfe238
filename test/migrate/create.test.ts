import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMigration, down, lint, loadMigrations, plan, up } from '../../src/migrate/index.ts';
import { namesOf } from '../../src/migrate/registry.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();
const run = promisify(execFile);
const EMPTY = '-- migrate:up\n';
const LOCK = '.structdb-create.lock';

/** Every comment becomes code, but for those that only explain. */
function uncommented(text: string): string {
  return text.replace(/^( *)\/\/ (await sql)/gm, '$1$2');
}

describe('createMigration', () => {
  it('writes TypeScript that a strict compiler takes, that loads and plans, and that goes up and down once filled in', async () => {
    const { project, directory } = await migrationFolder({ '001_sites.sql': EMPTY });
    const created = await createMigration({ directory, name: 'Add rooms' }, testContext());
    const file = path.join(directory, '002_add_rooms.ts');
    expect(created).toEqual({ name: '002_add_rooms', file, number: '002' });
    const options = ['--noEmit', '--strict', '--noUnusedLocals', '--noUnusedParameters', '--skipLibCheck'];
    const modules = ['--module', 'nodenext', '--target', 'es2022', '--verbatimModuleSyntax', '--erasableSyntaxOnly'];
    const compile = () =>
      run(process.execPath, [path.join(projectRoot, 'node_modules/typescript/bin/tsc'), ...options, ...modules, file], {
        cwd: project,
      }).catch(({ stdout }: { stdout: string }) => ({ stdout }));
    expect((await compile()).stdout).toBe('');
    expect((await plan({ registry: await loadMigrations(directory) })).map(({ statements }) => statements)).toEqual([
      [],
      [],
    ]);
    // Node keeps what it imported: the file that is filled in has another address.
    const text = await readFile(file, 'utf8');
    await rm(path.join(directory, '001_sites.sql'));
    await rm(file);
    const filled = path.join(directory, '003_add_rooms.ts');
    await writeFile(filled, uncommented(text));
    const registry = await loadMigrations(directory);
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry }, testContext());
    expect((await sql(connection, (client) => client.query('select room_id from rooms'))).rows).toEqual([]);
    expect((await lint({ registry }, testContext())).findings).toEqual([]);
    expect((await down({ connection, registry }, testContext())).current).toBeNull();
  });

  it('offers in TypeScript only what config can hold', async () => {
    const { directory } = await migrationFolder({});
    const { file } = await createMigration({ directory, name: 'x' }, testContext());
    const text = await readFile(file, 'utf8');
    await rm(file);
    const config = text.replace(/^\/\/ (export const config|\};| {2}\w)/gm, '$1');
    await writeFile(path.join(directory, '002_config.ts'), config);
    expect((await loadMigrations(directory))['002_config']?.config).toEqual({
      lockTimeout: '2s',
      statementTimeout: '1min',
      transaction: false,
      irreversible: 'why there is no way back',
    });
  });

  it('writes SQL whose sections and options are those that are read', async () => {
    const { directory } = await migrationFolder({});
    const { file, name } = await createMigration({ directory, name: 'rooms', language: 'sql' }, testContext());
    expect(name).toBe('001_rooms');
    const text = await readFile(file, 'utf8');
    const options = [...text.matchAll(/^-- {3}(\w+:\w+) /gm)].map(([, option]) => option);
    expect(options).toEqual(['lock_timeout:2s', 'statement_timeout:1min', 'transaction:false']);
    expect((await loadMigrations(directory))['001_rooms']?.config).toEqual({ down: {} });
    await writeFile(
      file,
      text
        .replace('-- migrate:up\n', `-- migrate:up ${options.join(' ')}\ncreate table public.rooms (id int);\n`)
        .replace(/^-- {3}(-- migrate:irreversible)/m, '$1'),
    );
    expect((await loadMigrations(directory))['001_rooms']).toMatchObject({
      config: { lockTimeout: '2s', statementTimeout: '1min', transaction: false, irreversible: '<reason>' },
    });
  });

  it('fills in a template of one’s own, whose extension the file has', async () => {
    const { project, directory } = await migrationFolder({ '0009_x.sql': EMPTY });
    const template = path.join(project, 'ours.sql');
    await writeFile(template, '-- {{number}} {{ name }} {{other}}\n-- migrate:up\ncreate table public.{{name}} ();\n');
    const { file } = await createMigration({ directory, name: 'Big rooms', template }, testContext());
    expect(path.basename(file)).toBe('0010_big_rooms.sql');
    expect(await readFile(file, 'utf8')).toBe(
      '-- 0010 big_rooms {{other}}\n-- migrate:up\ncreate table public.big_rooms ();\n',
    );
    const missing = createMigration({ directory, name: 'x', template: path.join(project, 'none.ts') }, testContext());
    expect(await failureOf(missing)).toMatchObject({ code: 'FILE_MISSING' });
    const odd = createMigration({ directory, name: 'x', template: path.join(project, 'package.json') }, testContext());
    expect(await failureOf(odd)).toMatchObject({ code: 'USAGE' });
    expect(await readdir(directory)).toEqual(['0009_x.sql', '0010_big_rooms.sql']);
  });

  it('takes the time of the context where the folder has timestamps', async () => {
    const { directory } = await migrationFolder({ '20251125093000_x.sql': EMPTY });
    const clock = { now: () => new Date('2026-11-25T23:59:59.999+02:00'), monotonicMs: () => performance.now() };
    const context = { ...testContext(), clock };
    expect((await createMigration({ directory, name: 'a' }, context)).name).toBe('20261125215959_a');
    expect((await createMigration({ directory, name: 'b' }, context)).name).toBe('20261125220000_b');
  });

  it('makes a folder that is not there and says so; refuses a file in its place, and one that holds the name', async () => {
    const { project, directory } = await migrationFolder({});
    const context = testContext();
    const below = path.join(project, 'db/migrations');
    await createMigration({ directory: below, name: 'x' }, context);
    expect(await readdir(below)).toEqual(['001_x.ts']);
    expect(context.events).toEqual([{ kind: 'notice', message: `The folder ${below} was not there: created` }]);
    for (const file of ['package.json', 'package.json/migrations']) {
      const inFile = createMigration({ directory: path.join(project, file), name: 'x' }, testContext());
      expect(await failureOf(inFile)).toMatchObject({
        code: 'FILE_UNREADABLE',
        message: expect.stringMatching(/file/),
      });
    }
    await mkdir(path.join(directory, '001_x.ts'));
    const taken = createMigration({ directory, name: 'x' }, testContext());
    expect((await failureOf(taken)).message).toMatch(/001_x\.ts is there already/);
    expect(await readdir(directory)).toEqual(['001_x.ts']);
  });

  it('gives each of many at once a number of its own and whole content, also when their locks vanish', async () => {
    for (const sabotaged of [false, true, true, true]) {
      const { directory } = await migrationFolder({ '001_x.sql': EMPTY });
      let over = false;
      const saboteur = (async () => {
        while (sabotaged && !over) await rm(path.join(directory, LOCK), { force: true });
      })();
      const names = Array.from({ length: 12 }, (_, index) => `n ${index}`);
      const created = await Promise.all(
        names.map((name) => createMigration({ directory, name, language: 'sql' }, testContext())),
      );
      over = true;
      await saboteur;
      expect(new Set(created.map(({ number }) => number)).size).toBe(12);
      const files = await readdir(directory);
      expect(files.filter((file) => !file.startsWith('.')).sort()).toEqual(
        ['001_x.sql', ...created.map(({ name }) => `${name}.sql`)].sort(),
      );
      if (!sabotaged)
        expect(
          created
            .map(({ number }) => Number(number))
            .sort((a, b) => a - b)
            .at(-1),
        ).toBe(13);
      await loadMigrations(directory);
    }
  });

  it('does not wait for the lock of a killed process, and clears away what it left', async () => {
    const { directory } = await migrationFolder({});
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const { pid } = child;
    await writeFile(path.join(directory, LOCK), `${pid} some-token ${hostname()}`);
    await writeFile(path.join(directory, '.structdb-create.some-token'), 'half');
    const context = testContext();
    const created = createMigration({ directory, name: 'x' }, context);
    const first = await Promise.race([created.then(() => 'created'), once(child, 'exit'), heldFor(directory, 300)]);
    expect(first).toBe('held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const killed = performance.now();
    await created;
    expect(performance.now() - killed).toBeLessThan(3000);
    expect(await readdir(directory)).toEqual(['001_x.ts']);
  });

  it('waits out a lock of which nothing is known, and stops waiting when it is interrupted', async () => {
    const { directory } = await migrationFolder({});
    await writeFile(path.join(directory, LOCK), '1 some-token another-machine');
    const context = testContext();
    const interrupted = failureOf(createMigration({ directory, name: 'x' }, context));
    expect(await heldFor(directory, 100)).toBe('held');
    context.interrupt();
    expect(await interrupted).toMatchObject({ code: 'INTERRUPTED' });
    // The same lock after five seconds, which pass at once on this clock.
    let now = 0;
    const clock = {
      now: () => new Date(),
      monotonicMs: () => {
        now += 2000;
        return now;
      },
    };
    await createMigration({ directory, name: 'x' }, { ...testContext(), clock });
    expect(await readdir(directory)).toEqual(['001_x.ts']);
  });

  it('always loads, last', async () => {
    const number = fc.constantFrom('001', '0042', '7', '20240131120000', 'V3', '1700000000000');
    const stems = fc.uniqueArray(
      fc.tuple(number, fc.constantFrom('a', 'größe', 'b-c')).map(([digits, rest]) => `${digits}_${rest}`),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(stems, fc.constantFrom('typescript', 'sql'), async (names, language) => {
        const { directory } = await migrationFolder(Object.fromEntries(names.map((name) => [`${name}.sql`, EMPTY])));
        const { name } = await createMigration({ directory, name: 'new one', language } as never, testContext());
        expect(namesOf(await loadMigrations(directory)).at(-1)).toBe(name);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a migration that was not filled in', () => {
  it('is an error of lint, and a warning when it is applied', async () => {
    const { directory } = await migrationFolder({});
    await createMigration({ directory, name: 'a' }, testContext());
    await createMigration({ directory, name: 'b', language: 'sql' }, testContext());
    const registry = await loadMigrations(directory);
    const { findings } = await lint({ registry }, testContext());
    expect(findings.map(({ migration, rule, level }) => [migration, rule, level])).toEqual([
      ['001_a', 'empty-migration', 'error'],
      ['002_b', 'empty-migration', 'error'],
    ]);
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    await up({ connection, registry }, context);
    expect(context.events.flatMap((event) => (event.kind === 'warning' ? [[event.message, event.hint]] : []))).toEqual([
      [expect.stringContaining('001_a has no statement'), expect.stringContaining('structdb migrate down')],
      [expect.stringContaining('002_b has no statement'), expect.stringContaining('structdb migrate create')],
    ]);
  });
});

/** Whether the lock stays for that long. Milliseconds. */
async function heldFor(directory: string, ms: number): Promise<string> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (!(await readdir(directory)).includes(LOCK)) return 'released';
  }
  return 'held';
}
