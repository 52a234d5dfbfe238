import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { projectRoot, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { junitCases } from './report/support.ts';

const server = useServer();
const run = promisify(execFile);
let project: string;
let owner: ConnectionSettings;

const TRAIL = `
-- draw project: select project_id from projects order by 1 limit 8

-- name: trail
select event_type from project_events where project_id = :project order by occurred_at desc limit 5;
`;
const probe = (body: string) => `-- migrate:up
create function public.probe() returns void language plpgsql as $$ begin ${body} end $$;
-- migrate:down
drop function public.probe();
`;
const QUICK = ['--projects', '1000', '--samples', '40', '--clients', '2'];
const write = (file: string, text: string) => writeFile(path.join(project, file), text);

beforeAll(async () => {
  project = await mkdtemp(path.join(temporaryRoot(), 'structdb-bench-compare-'));
  await cp(path.join(projectRoot, 'migrations'), path.join(project, 'migrations'), { recursive: true });
  await symlink(path.join(projectRoot, 'node_modules'), path.join(project, 'node_modules'));
  await mkdir(path.join(project, 'benchmarks'));
  await write('benchmarks/trail.sql', TRAIL);
  await write('benchmarks/probe.sql', '-- name: probe\nselect public.probe();\n');
  await write('migrations/007_probe.sql', probe('null;'));
  await write(
    'structdb.config.ts',
    `export default { migrations: { directory: 'migrations' }, bench: { suites: ['benchmarks'] } };\n`,
  );
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=n', '-c', 'user.email=n@example.org', ...args], { cwd: project });
  await git('init', '--quiet');
  await git('add', 'migrations', 'benchmarks', 'structdb.config.ts');
  await git('commit', '--quiet', '--message', 'Before');
  // What a developer has changed since: a slow function; later, an index too few.
  await write('migrations/007_probe.sql', probe('perform pg_sleep(0.05);'));
  owner = await server.createOwnedDatabase('createdb');
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** A migration of the project's own takes the index away that serves `trail`. */
const dropIndex = () =>
  write(
    'migrations/008_drop.sql',
    `-- migrate:up
drop index public.project_events_project_id_occurred_at_idx;
-- migrate:down
create index project_events_project_id_occurred_at_idx on public.project_events (project_id, occurred_at);
`,
  );

async function leftDatabases(): Promise<number> {
  return sql(owner, async (client) => {
    const { rows } = await client.query(
      `select from pg_database where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = current_user`,
    );
    return rows.length;
  });
}
const REPORTS = ['--junit', 'a.xml', '--markdown', 'a.md', '--html', 'a.html'];
const readText = (file: string) => readFile(path.join(project, file), 'utf8');
const reportsThere = async () => (await readdir(project)).filter((name) => name.startsWith('a.')).sort();
const removeReports = async () => {
  for (const name of await reportsThere()) await rm(path.join(project, name));
};
const scratchOf = async () =>
  (await readdir(path.join(project, '.structdb/bench')).catch(() => [])).filter((name) => name.startsWith('against-'));

describe('structdb bench, stored and compared', () => {
  it('stores a run with all its samples and what each layer costs, and finds it equal to itself', async () => {
    const args = ['--projects', '1000', '--samples', '60', '--max-samples', '60', '--clients', '2'];
    const bench = await structdb(
      [
        'bench',
        '--json',
        '--url',
        urlOf(owner),
        ...args,
        '--suite',
        'benchmarks/trail.sql',
        '--side-by-side',
        '--save-baseline',
        'main',
      ],
      { cwd: project },
    );
    expect([0, 4, 6]).toContain(bench.exitCode);
    const { result } = bench.json;
    expect(result.environment).toMatchObject({
      commit: { hash: expect.stringMatching(/^[0-9a-f]{40}$/), changed: true },
    });
    expect(bench.stderr).toContain(`Stored as .structdb/bench/${result.id}.json`);
    // A pgbench is on every machine with PostgreSQL's programs; without one the others are told all the same.
    const { queries, pgbenchVersion } = result.sideBySide;
    expect(queries).toHaveLength(result.suite.queries);
    for (const { name, ways } of queries) {
      for (const way of ['kysely', 'kyselyPrepared', 'pg', 'pgPrepared'])
        expect([name, way, ways[way]?.samples]).toEqual([name, way, 60]);
      if (pgbenchVersion !== null && ways.pgbench !== null) expect(ways.pgbench.p50Ms).toBeGreaterThan(0);
    }
    if (pgbenchVersion !== null)
      expect(queries.some(({ ways }: { ways: { pgbench: unknown } }) => ways.pgbench)).toBe(true);

    const compared = await structdb(['bench', 'compare', 'main', '--json'], { cwd: project });
    expect(compared.exitCode).toBe(0);
    const [point] = compared.json.result.points;
    expect(point.queries).toHaveLength(result.suite.queries);
    expect(new Set(point.queries.map(({ change }: { change: string }) => change))).toEqual(new Set(['same']));

    // The same rows without the index that serves the query.
    await dropIndex();
    const files = ['--junit', 'x.xml', '--markdown', 'x.md', '--html', 'x.html'];
    const change = ['--suite', 'benchmarks/trail.sql', '--compare', 'main', ...files];
    const dropped = await structdb(['bench', '--json', '--url', urlOf(owner), ...args, ...change], { cwd: project });
    expect(dropped.exitCode).toBe(4);
    expect(dropped.json.error.details.join('\n')).toContain('trail: another plan');
    const { comparison } = dropped.json.result;
    expect(comparison.points[0].plans).toMatchObject([{ query: 'trail', otherAccess: true }]);
    expect(comparison.doubts.join('\n')).toContain('Another schema at 1,000 projects');
    for (const file of ['x.md', 'x.html']) expect(await readText(file)).toContain('answered by another plan');
    expect(await readText('x.xml')).toContain('name="plan of trail"');
    // Later, from what was stored.
    const again = await structdb(['bench', 'compare', 'main', '--markdown', 'y.md'], { cwd: project });
    expect(again.exitCode).toBe(4);
    expect(await readText('y.md')).toContain('answered by another plan');
    expect(await leftDatabases()).toBe(0);
  });

  it('says in one line what it does not find', async () => {
    const missing = await structdb(['bench', 'compare', 'nightly'], { cwd: project });
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no baseline "nightly"') });
    const percent = await structdb(['bench', 'compare', 'main', '--threshold', 'ten'], { cwd: project });
    expect(percent).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--threshold takes a percentage') });
    // Before anything is measured: nothing answers there.
    const nowhere = ['--url', 'postgres://nobody@127.0.0.1:1/x'];
    const early = await structdb(['bench', ...nowhere, '--compare', 'nightly'], { cwd: project });
    expect(early.stderr).toContain('no baseline "nightly"');
    const ref = await structdb(['bench', ...nowhere, '--against', 'no-such-branch'], { cwd: project });
    expect(ref).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('"no-such-branch" is no commit') });
    const both = await structdb(['bench', ...nowhere, '--against', 'HEAD', '--into', 'x'], { cwd: project });
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--into does not go with --against') });
  });

  it('finds against a commit what became slower and what is answered by another plan, tells it in reports, and leaves nothing', async () => {
    await dropIndex();
    await removeReports();
    const args = ['--url', urlOf(owner), '--against', 'HEAD', ...QUICK, ...REPORTS];
    const against = await structdb(['bench', '--json', ...args], { cwd: project });
    expect(against.exitCode).toBe(4);
    expect(against.json.error.code).toBe('BENCH_REGRESSION');
    expect(against.json.error.details[0]).toMatch(/^probe: [\d.]+ m?s, before /);
    const { before, after, points } = against.json.result;
    expect([before.migration, after.migration]).toEqual(['007_probe', '008_drop']);
    expect(points[0].queries[0]).toMatchObject({ name: 'probe', change: 'slower' });
    expect(points[0].queries[0].after.blocks).toBe(10);
    expect(points[0].plans).toMatchObject([{ query: 'trail', otherAccess: true }]);
    expect([await leftDatabases(), await scratchOf()]).toEqual([0, []]);

    const said = '1 query is slower than before. 1 query is answered by another plan.';
    expect(junitCases(await readText('a.xml'), '.against')).toEqual([
      ['probe', 'failure'],
      ['trail', 'passed'],
      ['plan of trail', 'failure'],
    ]);
    for (const file of ['a.md', 'a.html']) expect(await readText(file)).toContain(said);
    // It is kept, and told again as it was.
    const { id, stored } = against.json.result;
    expect(stored).toBe(path.join(project, `.structdb/bench/against/${id}.json`));
    expect(against.stderr).toContain(`Stored as .structdb/bench/against/${id}.json`);
    const written = await Promise.all(REPORTS.filter((name) => name.startsWith('a.')).map(readText));
    await removeReports();
    const again = await structdb(['bench', 'report', id, ...REPORTS], { cwd: project });
    expect([again.exitCode, again.stderr]).toEqual([0, '']);
    expect(await Promise.all(REPORTS.filter((name) => name.startsWith('a.')).map(readText))).toEqual(written);
    const screen = await structdb(['bench', 'report', stored], { cwd: project });
    expect([screen.exitCode, screen.stdout.split('\n')[0]]).toEqual([0, `slower: ${said}`]);
  });

  it('writes no report of sides that were not timed, but the error in JUnit', async () => {
    await removeReports();
    const nowhere = ['bench', '--url', 'postgres://nobody@127.0.0.1:1/x', '--against'];
    const noFolder = await structdb([...nowhere, 'no-such-branch', '--html', 'none/a.html'], { cwd: project });
    expect(noFolder).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('There is no folder') });
    const ref = await structdb([...nowhere, 'no-such-branch', ...REPORTS], { cwd: project });
    expect(ref.exitCode).toBe(2);
    expect(await reportsThere()).toEqual(['a.xml']);
    expect(junitCases(await readText('a.xml'), 'bench')).toEqual([['run to the end', 'error']]);
    expect(await readText('a.xml')).toContain('is no commit of');
  });

  it('refuses a rival that can answer none of the queries: nothing compared would be a success', async () => {
    await write('migrations/009_young.sql', probe('null;').replaceAll('probe', 'young'));
    await write('young.sql', '-- name: young\nselect public.young();\n');
    const args = ['--against', 'HEAD', '--suite', 'young.sql', ...QUICK, ...REPORTS];
    const none = await structdb(['bench', '--url', urlOf(owner), ...args], { cwd: project });
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('There is no query that both') });
    expect(none.stderr).toContain('function public.young() does not exist');
    expect(junitCases(await readText('a.xml'), 'bench')).toEqual([['run to the end', 'error']]);
    expect([await leftDatabases(), await scratchOf()]).toEqual([0, []]);
  });

  it('leaves nothing after Ctrl-C in the middle of a run against a commit but a JUnit report that says so', async () => {
    await removeReports();
    const kept = await readdir(path.join(project, '.structdb/bench/against'));
    let sent = false;
    const stopped = await structdb(
      ['bench', '--url', urlOf(owner), '--against', 'HEAD', ...QUICK, '--samples', '5000', ...REPORTS],
      {
        cwd: project,
        onStderr: (text, child) => {
          if (sent || !text.includes('Warming up both')) return;
          sent = true;
          child.kill('SIGINT');
        },
      },
    );
    expect(stopped.exitCode).toBe(130);
    expect([await leftDatabases(), await scratchOf()]).toEqual([0, []]);
    expect(await reportsThere()).toEqual(['a.xml']);
    expect(await readText('a.xml')).toContain('<error message="Interrupted."');
    expect(await readdir(path.join(project, '.structdb/bench/against'))).toEqual(kept);
  });
});
