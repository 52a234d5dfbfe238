import { execFile } from 'node:child_process';
import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ClusterRestoreOptions,
  parseTarget,
  performClusterRestore,
  planClusterRestore,
  replayRestored,
} from '../../src/restore/index.ts';
import {
  type PlacedMarker,
  readMarkers,
  rowsOf,
  type SourceCluster,
  sourceCluster,
  takeBackup,
  writeMarkers,
} from '../restore/cluster-support.ts';
import { program, projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { runToDeath } from '../support/kill-points.ts';
import { otherMajor } from '../support/other-major.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
let count = 0;
const next = (name: string) => {
  count += 1;
  return path.join(scratch, `${name}-${count}`);
};

async function withTablespace(source: SourceCluster): Promise<string> {
  const location = path.join(source.directory, 'elsewhere');
  await mkdir(location);
  if (source.user) await chown(location, source.user.uid, source.user.gid);
  await sql(source.connection, async (client) => {
    await client.query(`create tablespace elsewhere location '${location}'`);
    await client.query('create table far tablespace elsewhere as select generate_series(1, 1000) as n');
  });
  return location;
}

function optionsFor(source: SourceCluster, tablespace: string): ClusterRestoreOptions {
  return {
    store: source.store,
    walStore: source.store,
    label: 'latest',
    targetDirectory: next('restored'),
    target: { kind: 'latest' },
    tablespaces: new Map([[tablespace, next('tablespace')]]),
    places: testPlaces(),
  };
}

async function restored(options: ClusterRestoreOptions) {
  const context = testContext();
  const plan = await planClusterRestore(options, context);
  const replay = await replayRestored(await performClusterRestore(plan, context), {}, context);
  try {
    const far = await sql(replay.connection, (client) => client.query('select sum(n)::int as sum from far'));
    return { plan, rows: await readMarkers(replay.connection), far: far.rows[0]!.sum as number };
  } finally {
    await replay.stop();
  }
}

describe('Restores of a cluster', () => {
  let source: SourceCluster;
  let tablespace: string;
  let markers: PlacedMarker[];

  beforeAll(async () => {
    source = await sourceCluster(scratch);
    tablespace = await withTablespace(source);
    markers = await writeMarkers(source.connection, ['in the backup']);
    await sql(source.connection, (client) =>
      client.query('create table large as select repeat(md5(i::text), 4) from generate_series(1, 150000) i'),
    );
    await takeBackup(source);
    markers.push(...(await writeMarkers(source.connection, ['one', 'two', 'three'])));
    await source.archive();
  });

  it.each([
    ['just before a time', () => ({ time: markers[2]!.committedAt, exclusive: true }), 2],
    ['at a transaction', () => ({ xid: markers[2]!.xid }), 3],
    ['behind a position', () => ({ lsn: markers[1]!.lsn }), 2],
  ])('stop %s', async (_what, words, rows) => {
    const found = await restored({ ...optionsFor(source, tablespace), target: parseTarget(words()) });
    expect(found.rows).toEqual(rowsOf(markers.slice(0, rows)));
  });

  /** Where a restore may die; a new step must be added here, and thereby tried. */
  const POINTS = ['plan', 'fetch', 'configure', 'sync', 'publish', 'release'].map((step) => `step restore.${step}`);

  it.each(POINTS)('killed at "%s" leave nothing that starts, or all of it', async (point) => {
    const options = optionsFor(source, tablespace);
    const { targetDirectory } = options;
    const to = options.tablespaces.get(tablespace)!;
    const script = path.join(projectRoot, 'test/restore/cluster-killed.ts');
    const died = await runToDeath(script, [source.store.location, targetDirectory, tablespace, to, point]);
    expect(died).toMatchObject({ killed: true });
    expect(POINTS).toEqual(expect.arrayContaining([...died.points]));
    const whole = await stat(path.join(targetDirectory, 'global/pg_control')).catch(() => undefined);
    expect(whole !== undefined).toBe(point === 'step restore.release');
    if (whole) return;
    // Until everything else is durable.
    if (point !== 'step restore.publish')
      await expect(stat(path.join(`${targetDirectory}.partial`, 'global/pg_control'))).rejects.toThrow('ENOENT');
    const again = await restored(options);
    expect(again).toMatchObject({ rows: rowsOf(markers), far: 500500 });
    const left = (await readdir(scratch)).filter((name) => name.startsWith(path.basename(targetDirectory)));
    expect(left.sort()).toEqual([path.basename(targetDirectory), `${path.basename(targetDirectory)}.log`]);
  });

  it('pass no other point', async () => {
    const options = optionsFor(source, tablespace);
    const script = path.join(projectRoot, 'test/restore/cluster-killed.ts');
    const to = options.tablespaces.get(tablespace)!;
    const ran = await runToDeath(script, [source.store.location, options.targetDirectory, tablespace, to, 'none']);
    expect(ran).toMatchObject({ exitCode: 0, points: POINTS });
  });

  it('leave nothing when the disk is full', async () => {
    const cwd = next('project');
    await mkdir(cwd);
    const store = { type: 'directory', path: source.store.location };
    await writeFile(
      path.join(cwd, 'structdb.config.ts'),
      `export default ${JSON.stringify({ stores: { local: store } })};`,
    );
    const target = next('full');
    const ran = await promisify(execFile)(
      'prlimit',
      // No file may be larger than a segment: the largest table is, so that writing fails in the middle of the work.
      [`--fsize=${17 * 1024 * 1024}`, process.execPath, program, 'restore', '--target', target].concat([
        '--tablespace-mapping',
        `${tablespace}=${next('full-tablespace')}`,
        '--json',
      ]),
      { cwd, env: { PATH: process.env.PATH, HOME: scratch } },
    ).catch((error: { code: number; stdout: string }) => error);
    const { error } = JSON.parse(ran.stdout) as { error: { code: string } };
    expect(error).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('disk is full') });
    expect((await readdir(scratch)).filter((name) => name.startsWith(path.basename(target)))).toEqual([]);
  });
});

it('A restored cluster has the configuration files that its source kept outside, and nothing of what it was a standby of', async () => {
  const etc = next('etc');
  await mkdir(etc);
  const hba = path.join(etc, 'pg_hba.conf');
  await writeFile(hba, '# of the source\nlocal all all trust\nlocal replication all trust\n', { mode: 0o644 });
  const source = await sourceCluster(scratch, { settings: { hba_file: hba, primary_conninfo: 'host=elsewhere' } });
  await writeMarkers(source.connection, ['x']);
  await takeBackup(source);
  await source.stop('immediate');
  const context = testContext();
  const options = { ...optionsFor(source, '/nowhere'), tablespaces: new Map<string, string>() };
  const result = await performClusterRestore(await planClusterRestore(options, context), context);
  expect(await readFile(path.join(result.dataDirectory, 'pg_hba.conf'), 'utf8')).toContain('# of the source');
  expect(result.settings).toMatchObject({
    hba_file: path.join(result.dataDirectory, 'pg_hba.conf'),
    primary_conninfo: '',
  });
  await rm(etc, { recursive: true });
  const replay = await replayRestored(result, {}, context);
  const rows = await readMarkers(replay.connection).finally(replay.stop);
  expect(rows).toHaveLength(1);
});

describe('Restores on PostgreSQL 18', () => {
  it('put a chain of incremental backups together, with a tablespace, and replay onto it', async () => {
    const major = await otherMajor(18);
    const source = await sourceCluster(scratch, { programs: major.programs, settings: { summarize_wal: 'on' } });
    const tablespace = await withTablespace(source);
    const markers = await writeMarkers(source.connection, ['in the full one']);
    await takeBackup(source, 'base', major.places);
    markers.push(...(await writeMarkers(source.connection, ['in the first increment'])));
    await takeBackup(source, 'incremental', major.places);
    await sql(source.connection, (client) => client.query('update far set n = n + 1'));
    markers.push(...(await writeMarkers(source.connection, ['in the second increment'])));
    await takeBackup(source, 'incremental', major.places);
    markers.push(...(await writeMarkers(source.connection, ['in the WAL'])));
    await source.archive();
    const found = await restored({ ...optionsFor(source, tablespace), places: major.places });
    expect(found.plan.chain).toHaveLength(3);
    expect(found.rows).toEqual(rowsOf(markers));
    expect(found.far).toBe(501500);
    const [, to] = [...found.plan.tablespaces.map((placed) => [placed.from, placed.to])][0]!;
    expect(await readdir(to!)).toEqual([expect.stringMatching(/^PG_18/)]);
    const left = (await readdir(scratch)).filter((name) => name.includes('.partial'));
    expect(left).toEqual([]);
  }, 300_000);

  it('are refused with the programs of another major', async () => {
    const source = await sourceCluster(scratch);
    await writeMarkers(source.connection, ['x']);
    await takeBackup(source);
    const major = await otherMajor(18);
    const options = { ...optionsFor(source, '/nowhere'), tablespaces: new Map<string, string>(), places: major.places };
    await expect(planClusterRestore(options, testContext())).rejects.toMatchObject({
      code: expect.stringMatching(/^PROGRAM_(TOO_OLD|MISSING)$/),
    });
  });
});
