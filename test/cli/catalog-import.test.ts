import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { csv, rowsOf, useCatalogDatabases } from '../catalog/support.ts';
import { program, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const createDatabase = useCatalogDatabases(useServer());
let connection: Awaited<ReturnType<typeof createDatabase>>;
let url: string;

beforeAll(async () => {
  connection = await createDatabase();
  url = urlOf(connection);
});

const HEADER = ['standard', 'edition', 'section', 'title'];

describe('structdb catalog import - ', () => {
  it('reads standard input under a name, and leaves the bad rows in a file', async () => {
    const cwd = await scratchDirectory();
    const input = csv([HEADER, ['Own', '1', '26.10', 'Velocity'], ['Own', '1', '26.11', '']]);
    const { exitCode, stdout, json } = await structdb(
      ['catalog', 'import', '-', '--stdin-name', 'piped.csv', '--rejected', 'bad.csv', '--json', '--url', url],
      { input, cwd },
    );
    expect([exitCode, json.result.files[0].file, json.result.files[0].rejectedTo]).toEqual([0, 'piped.csv', 'bad.csv']);
    expect(json.result.totals).toMatchObject({ inserted: 1, rejected: 1 });
    const again = await structdb(['catalog', 'import', 'bad.csv', '--dry-run', '--url', url], { cwd });
    expect([stdout.startsWith('{'), again.exitCode, again.stderr]).toEqual([
      true,
      1,
      expect.stringContaining('bad.csv:2: title "": must not be empty'),
    ]);
  });

  it.each([
    [['-', '-'], 'is named twice'],
    [['x.csv', '--stdin-name', 'y'], 'which is not read'],
  ])('refuses %j as usage', async (args, message) => {
    const { exitCode, stderr } = await structdb(['catalog', 'import', ...args, '--url', url]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

it('of a named pipe ends at Ctrl-C while nobody writes, and reads what is written', async () => {
  const pipe = path.join(await scratchDirectory(), 'pipe.csv');
  await promisify(execFile)('mkfifo', [pipe]);
  const child = spawn(process.execPath, [program, 'catalog', 'import', pipe, '--url', url]);
  const ended = new Promise((resolve) => child.on('close', resolve));
  const writer = await sql(connection, async (client) => {
    // ENXIO until somebody has it open to read.
    for (;;) {
      const opened = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined);
      if (opened) return opened;
      await client.query('select pg_sleep(0.02)');
    }
  });
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  await writer.close();
  const again = structdb(['catalog', 'import', pipe, '--json', '--url', url]);
  await writeFile(pipe, csv([HEADER, ['Own', '3', '1', 'Loads']]));
  expect((await again).json.result.totals).toMatchObject({ inserted: 1 });
});

describe('kill -9', () => {
  const state = async () =>
    (
      await rowsOf(
        connection,
        `select (select count(*)::int from material_catalog) as materials,
          (select count(*)::int from code_references) as "references",
          (select count(*)::int from structdb.catalog_imports) as imports`,
      )
    )[0];
  /** Until the server has noticed that nobody is there any more. */
  const gone = () =>
    sql(connection, async (client) => {
      const others = `select from pg_stat_activity where application_name = 'structdb catalog' and datname = current_database()`;
      while ((await client.query(others)).rowCount !== 0) await client.query('select pg_sleep(0.02)');
    });
  const start = (...args: string[]): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, [program, 'catalog', 'import', ...args, '--url', url]);
  const ended = (child: ChildProcessWithoutNullStreams) => new Promise((resolve) => child.on('close', resolve));

  it('in the middle of COPY leaves nothing', async () => {
    const before = await state();
    const child = start('-');
    child.stdin.on('error', () => {});
    // More than is read before the first row is sent; the pipe stays open.
    const title = 'a title '.repeat(500);
    const rows = Array.from({ length: 5000 }, (_, at) => ['Own', '2', `${at}`, title + at]);
    child.stdin.write(csv([HEADER, ...rows]));
    await sql(connection, async (client) => {
      const copying = 'select from pg_stat_progress_copy where tuples_processed > 100';
      while ((await client.query(copying)).rowCount === 0) await client.query('select pg_sleep(0.02)');
    });
    child.kill('SIGKILL');
    await ended(child);
    await gone();
    expect(await state()).toEqual(before);
  });

  it('between two files leaves nothing, and the next import does it all', async () => {
    const before = await state();
    await sql(connection, async (other) => {
      await other.query('begin; lock table code_references in exclusive mode');
      const child = start();
      const waits = `select from pg_locks where not granted and relation = 'code_references'::regclass`;
      while ((await other.query(waits)).rowCount === 0) await other.query('select pg_sleep(0.02)');
      child.kill('SIGKILL');
      await ended(child);
      await other.query('rollback');
    });
    await gone();
    expect(await state()).toEqual(before);
    const { exitCode, json } = await structdb(['catalog', 'import', '--json', '--url', url]);
    expect([exitCode, json.result.files.length, json.result.changed]).toEqual([0, 3, true]);
  });
});
