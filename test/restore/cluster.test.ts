import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { StructdbError } from '../../src/core/errors.ts';
import { repositoryKeys } from '../../src/repository/layout.ts';
import { recoveryWindows } from '../../src/repository/recovery-window.ts';
import { compress, decompress } from '../../src/repository/wal-frames.ts';
import {
  type ClusterRestoreOptions,
  parseTarget,
  performClusterRestore,
  planClusterRestore,
  replayRestored,
  type TargetWords,
} from '../../src/restore/index.ts';
import { openSealing } from '../../src/storage/age-sealing.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { runToDeath } from '../support/kill-points.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import {
  adopt,
  type Marker,
  type PlacedMarker,
  readMarkers,
  rowsOf,
  type SourceCluster,
  sourceCluster,
  takeBackup,
  until,
  writeMarkers,
} from './cluster-support.ts';

let scratch: string;
let source: SourceCluster;
let tablespace: string;
let label: string;
/** Two before the backup, six behind it; a restore point lies behind the fifth. */
let markers: PlacedMarker[];
/** The segment that holds the end of the story. */
let lastSegment: string;
let count = 0;

const next = (name: string) => {
  count += 1;
  return path.join(scratch, `${name}-${count}`);
};

function options(more: Partial<ClusterRestoreOptions> = {}): ClusterRestoreOptions {
  const { store } = source;
  return {
    store,
    walStore: more.store ?? store,
    label: 'latest',
    targetDirectory: next('restored'),
    target: { kind: 'latest' },
    tablespaces: new Map([[tablespace, next('tablespace')]]),
    places: testPlaces(),
    ...more,
  };
}

/** Restores and replays; gives what the copy holds, and what `look` finds in it. */
async function restored(more: Partial<ClusterRestoreOptions> = {}) {
  const context = testContext();
  const plan = await planClusterRestore(options(more), context);
  const result = await performClusterRestore(plan, context);
  const replay = await replayRestored(result, { settings: { fsync: 'off' } }, context);
  try {
    const rows = await readMarkers(replay.connection);
    const inTablespace = await sql(replay.connection, (client) =>
      client.query('select count(*)::int as n from elsewhere'),
    );
    return { plan, result, replay, rows, inTablespace: inTablespace.rows[0]!.n as number };
  } finally {
    await replay.stop();
  }
}

/** As the command line takes it. */
const mappingTo = (place: string) => `${tablespace.replaceAll('=', '\\=')}=${place}`;

const instant = (at: string) => new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
const upTo = (words: TargetWords) => ({ target: parseTarget(words) });

/** The error of a plan that must not be possible. */
async function refusal(more: Partial<ClusterRestoreOptions>): Promise<StructdbError> {
  const wanted = options(more);
  const before = await readdir(scratch);
  const error = await planClusterRestore(wanted, testContext()).then(
    () => new Error('It was planned.'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StructdbError);
  // Refused before anything was touched.
  expect(await readdir(scratch)).toEqual(before);
  return error as StructdbError;
}

/** A copy of the store in which a test may damage things. */
async function storeCopy(): Promise<Store> {
  const location = next('store');
  await cp(source.store.location, location, { recursive: true, preserveTimestamps: true });
  await makeOwned(location);
  return openDirectoryStore({ path: location, uid: process.geteuid?.() });
}

/** The server's user reads the store when it recovers. */
async function makeOwned(directory: string): Promise<void> {
  const { user } = source;
  if (!user) return;
  const { chown } = await import('node:fs/promises');
  await chown(directory, user.uid, user.gid);
  for (const entry of await readdir(directory, { recursive: true })) {
    await chown(path.join(directory, entry), user.uid, user.gid);
  }
}

const walFile = (store: Store, name: string) =>
  path.join(store.location, repositoryKeys(source.systemIdentifier).wal(name.slice(0, 8), `${name}.zst`));

async function segments(): Promise<string[]> {
  const names = await readdir(path.join(source.store.location, source.systemIdentifier, 'wal/00000001'));
  return names
    .filter((name) => /^[0-9A-F]{24}\.zst$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort();
}

beforeAll(async () => {
  scratch = await scratchDirectory();
  source = await sourceCluster(scratch);
  tablespace = path.join(source.directory, 'a place = with blanks and ümlauts');
  await mkdir(tablespace);
  await makeOwned(tablespace);
  await sql(source.connection, async (client) => {
    await client.query(`create tablespace "Elsewhere" location '${tablespace.replaceAll("'", "''")}'`);
    await client.query('create table elsewhere tablespace "Elsewhere" as select generate_series(1, 1000) as n');
  });
  markers = await writeMarkers(source.connection, ['before the backup', 'another']);
  label = await takeBackup(source);
  markers.push(...(await writeMarkers(source.connection, ["it's \\ odd", 'ünïcode'])));
  await source.archive();
  markers.push(...(await writeMarkers(source.connection, ['before the point'])));
  await sql(source.connection, (client) => client.query("select pg_create_restore_point('before it went wrong')"));
  markers.push(...(await writeMarkers(source.connection, ['behind the point'])));
  await source.archive();
  markers.push(...(await writeMarkers(source.connection, ['in the last segment', 'the newest'])));
  lastSegment = await source.archive();
});

describe('a restored cluster', () => {
  it('has every commit that was archived, row by row, and its tablespace in the new place', async () => {
    const { rows, replay, plan, result, inTablespace } = await restored();
    expect(rows).toEqual(rowsOf(markers));
    expect(inTablespace).toBe(1000);
    expect(replay.timeline).toBe(2);
    expect(replay.replayedCommitAt).toBe(new Date(markers.at(-1)!.committedAt).toISOString());
    expect(plan.tablespaces[0]!.to).toMatch(/tablespace-/);
    expect(await readdir(plan.tablespaces[0]!.to)).toEqual([expect.stringMatching(/^PG_/)]);
    // Nothing of the isolation stays, nothing of the restore lies about.
    expect(await readFile(path.join(result.dataDirectory, 'postgresql.auto.conf'), 'utf8')).not.toContain(
      'listen_addresses',
    );
    const mode = (await stat(result.dataDirectory)).mode & 0o777;
    expect(mode).toBe(0o700);
    const left = (await readdir(scratch)).filter((name) => name.startsWith(path.basename(result.dataDirectory)));
    expect(left.sort()).toEqual([path.basename(result.dataDirectory), `${path.basename(result.dataDirectory)}.log`]);
  });

  it('that is not encrypted needs no identity, be one configured that is not there', async () => {
    const recipients = [await identityToRecipient(await generateIdentity())];
    const sealing = await openSealing({ recipients, identityFile: path.join(scratch, 'nowhere') });
    const store = openDirectoryStore({ path: source.store.location, uid: process.geteuid?.(), sealing });
    expect((await restored({ store })).rows).toEqual(rowsOf(markers));
  });

  it.each([
    ['at a time, the commit of that microsecond included', () => ({ time: markers[3]!.committedAt }), 4],
    ['just before a transaction', () => ({ xid: markers[5]!.xid, exclusive: true }), 5],
    ['at a restore point', () => ({ name: 'before it went wrong' }), 5],
    ['at the end of the backup', () => ({ endOfBackup: true }), 2],
  ])('stops %s', async (_what, words, rows) => {
    expect((await restored(upTo(words()))).rows).toEqual(rowsOf(markers.slice(0, rows)));
  });
});

describe('a plan', () => {
  it('names the window, the WAL and the sizes, and writes nothing', async () => {
    const before = await readdir(scratch);
    const target = next('planned');
    const config = await configFor(source.store);
    const run = await structdb(
      ['restore', '--target', target, '--tablespace-mapping', mappingTo(next('t')), '--dry-run'],
      { cwd: config },
    );
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain(`to ${instant(markers.at(-1)!.committedAt)}`);
    expect(run.stdout).toContain(lastSegment);
    expect(run.stdout).toMatch(/takes {6}\d/);
    expect((await readdir(scratch)).filter((name) => !name.startsWith('config'))).toEqual(before);
  });

  it.each([
    ['before the backup ended', () => ({ time: markers[0]!.committedAt }), /window of .* begins at/],
    ['in the future', () => ({ time: '2999-01-01 00:00:00Z' }), /newest commit in the archive is of/],
    ['just behind the newest commit', () => ({ time: markers.at(-1)!.committedAt }), /without a later one/],
    ['beyond the archive', () => ({ lsn: 'FF/0' }), /the archive ends at/],
    ['before the backup is consistent', () => ({ lsn: '0/100' }), /becomes consistent only at/],
    ['at a transaction that never was', () => ({ xid: '4000000000' }), /does not hold the end of that transaction/],
    ['at an unknown restore point', () => ({ name: 'no such' }), /does not hold a restore point of that name/],
  ])('refuses a target %s, and says why', async (_what, words, why) => {
    const error = await refusal(upTo(words()));
    expect(error.code).toBe('TARGET_UNREACHABLE');
    expect(error.message).toMatch(why);
  });

  it('reaches the newest commit just before it', async () => {
    const words = { time: markers.at(-1)!.committedAt, exclusive: true };
    await expect(planClusterRestore(options(upTo(words)), testContext())).resolves.toBeDefined();
  });

  it('refuses a timeline that does not descend from the backup', async () => {
    expect((await refusal({ timeline: 7 })).message).toMatch(/timeline 7 does not descend/);
  });

  it('refuses what is occupied: a directory, a running cluster, the place of a tablespace', async () => {
    const occupied = next('occupied');
    await mkdir(occupied);
    await writeFile(path.join(occupied, 'letter.txt'), 'mine');
    expect(await refusal({ targetDirectory: occupied })).toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    const running = await refusal({ targetDirectory: source.dataDirectory });
    expect(running.message).toMatch(/A server runs in/);
    if (source.user) {
      const locked = next('locked');
      await mkdir(locked, { mode: 0o700 });
      expect(await refusal({ targetDirectory: path.join(locked, 'data') })).toMatchObject({
        code: 'TARGET_UNSUITABLE',
      });
    }
    const own = await refusal({ tablespaces: new Map() });
    expect(own.code).toBe('TARGET_NOT_EMPTY');
    expect(own.hint).toContain('--tablespace-mapping');
  });

  it('refuses a place in a data directory or in a store, also through a link, for the cluster and its tablespace', async () => {
    const [link, toStore, other] = [next('link'), next('link'), next('other-store')];
    await symlink(path.join(source.dataDirectory, 'base'), link);
    await symlink(source.store.location, toStore);
    await mkdir(other);
    const backups = path.join(source.systemIdentifier, 'backups');
    const inside: [string, string][] = [
      [path.join(source.dataDirectory, 'base', '1', 'copy'), source.dataDirectory],
      [path.join(link, 'copy'), source.dataDirectory],
      [path.join(source.store.location, backups, 'b'), source.store.location],
      [path.join(toStore, backups, 'b'), source.store.location],
      [path.join(other, 'b'), other],
    ];
    for (const [place, around] of inside) {
      const told = { code: 'TARGET_UNSUITABLE', message: expect.stringContaining(` lies in ${around}, which is a `) };
      expect(await refusal({ targetDirectory: place, storeDirectories: [other] })).toMatchObject(told);
      const tablespaces = new Map([[tablespace, place]]);
      expect(await refusal({ tablespaces, storeDirectories: [other] })).toMatchObject(told);
      await expect(stat(place)).rejects.toThrow('ENOENT');
    }
    expect(await refusal({ targetDirectory: other, storeDirectories: [other] })).toMatchObject({
      code: 'TARGET_UNSUITABLE',
      message: `${other} is a store of backups.`,
    });
  });

  it('refuses a tablespace that would come into the new data directory through a link', async () => {
    const link = next('link');
    await symlink(scratch, link);
    const targetDirectory = next('restored');
    const to = path.join(link, path.basename(targetDirectory), 'tablespace');
    expect(await refusal({ targetDirectory, tablespaces: new Map([[tablespace, to]]) })).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('inside the data directory'),
    });
  });

  it('refuses other programs, a missing part, a foreign pg_wal', async () => {
    const none = {
      ...testPlaces(),
      environment: { ...testPlaces().environment, variables: { STRUCTDB_PROGRAMS: '/nowhere' } },
    };
    expect((await refusal({ places: none })).code).toBe('PROGRAM_MISSING');
    const store = await storeCopy();
    await rm(path.join(store.location, repositoryKeys(source.systemIdentifier).part(label, 'backup_manifest')));
    expect(await refusal({ store })).toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringContaining('backup_manifest is missing'),
    });
    const foreign = next('pg_wal');
    await mkdir(foreign);
    const segment = Buffer.alloc(16 * 1024 * 1024);
    segment.writeUInt16LE(2, 2);
    segment.writeBigUInt64LE(4711n, 24);
    segment.writeUInt32LE(segment.length, 32);
    await writeFile(path.join(foreign, '0000000100000000000000EE'), segment);
    expect((await refusal({ salvage: foreign })).code).toBe('WAL_FOREIGN');
  });
});

describe('a gap in the archive', () => {
  it('is named; what is before it can be restored when that is accepted', async () => {
    const store = await storeCopy();
    const gap = (await segments()).at(-2)!;
    await rm(walFile(store, gap));
    const error = await refusal({ store });
    expect(error.code).toBe('WAL_MISSING');
    expect(error.message).toContain(gap);
    expect(error.hint).toContain('--accept-gap');
    const [window] = await recoveryWindows(store, store, testContext(), { places: testPlaces() });
    expect(window).toMatchObject({
      missing: gap,
      to: new Date(markers[3]!.committedAt).toISOString(),
      toSource: 'commit',
    });
    const before = await restored({ store, target: { kind: 'latest', acceptGap: true } });
    expect(before.rows).toEqual(rowsOf(markers.slice(0, 4)));
  });

  it('is no matter for a target before it', async () => {
    const store = await storeCopy();
    await rm(walFile(store, lastSegment));
    await writeFile(walFile(store, `${lastSegment.slice(0, 22)}FF`), 'later');
    const plan = await planClusterRestore(options({ store, ...upTo({ xid: markers[4]!.xid }) }), testContext());
    expect(plan.reach.missing).toBe(lastSegment);
  });

  it('is a segment with one flipped byte too', async () => {
    const store = await storeCopy();
    await flip(walFile(store, lastSegment));
    const error = await refusal({ store });
    expect(error).toMatchObject({ code: 'WAL_CORRUPT', message: expect.stringContaining(`a damaged ${lastSegment}`) });
    const before = await restored({ store, target: { kind: 'latest', acceptGap: true } });
    expect(before.rows).toEqual(rowsOf(markers.slice(0, 6)));
  });

  it('that only replay meets stops it, and everything before it is named as what can be reached', async () => {
    const store = await storeCopy();
    const damaged = (await segments()).at(-2)!;
    await flip(walFile(store, damaged));
    const error = await restored({ store }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'WAL_CORRUPT', message: expect.stringContaining(damaged) });
    expect((error as StructdbError).hint).toContain(instant(markers[3]!.committedAt));
    const before = await restored({ store, target: { kind: 'latest', acceptGap: true } });
    expect(before.rows).toEqual(rowsOf(markers.slice(0, 4)));
  });
});

describe('an altered backup', () => {
  it.each(['base.tar.zst', 'backup_manifest'])('is refused: one byte of %s', async (part) => {
    const store = await storeCopy();
    const file = path.join(store.location, repositoryKeys(source.systemIdentifier).part(label, part));
    await flip(file);
    const wanted = options({ store });
    const plan = await planClusterRestore(wanted, testContext());
    await expect(performClusterRestore(plan, testContext())).rejects.toMatchObject({ code: 'BACKUP_CORRUPT' });
    const left = (await readdir(scratch)).filter((name) => name.includes(path.basename(wanted.targetDirectory)));
    expect(left).toEqual([]);
    await expect(stat(plan.tablespaces[0]!.to)).rejects.toThrow('ENOENT');
  });
});

describe('a backup whose archive holds other files than PostgreSQL listed', () => {
  it('is refused by that list, naming the file', async () => {
    const store = await storeCopy();
    const keys = repositoryKeys(source.systemIdentifier);
    const archive = path.join(store.location, keys.part(label, 'base.tar.zst'));
    const tar = decompress(await readFile(archive));
    // The header of the first file of that name; two letters change places, so that the sum in the header holds.
    tar.write('PG_VERSINO', tar.indexOf('PG_VERSION\0'));
    const packed = await compress(tar);
    await writeFile(archive, packed);
    const file = path.join(store.location, keys.manifest(label));
    const manifest = JSON.parse(await readFile(file, 'utf8')) as {
      parts: { name: string; sizeBytes: number; sha256: string }[];
    };
    const part = manifest.parts.find(({ name }) => name === 'base.tar.zst')!;
    part.sizeBytes = packed.length;
    part.sha256 = createHash('sha256').update(packed).digest('hex');
    await writeFile(file, JSON.stringify(manifest));
    const plan = await planClusterRestore(options({ store }), testContext());
    await expect(performClusterRestore(plan, testContext())).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringMatching(/PG_VERSION is missing \(and 1 more\)/),
    });
  });
});

describe('a restore that does not end', () => {
  const script = path.join(import.meta.dirname, 'cluster-killed.ts');
  const killed = (target: string, to: string, at: string) =>
    runToDeath(script, [source.store.location, target, tablespace, to, at]);

  it('killed just before it is published cannot be started, and the next one begins afresh', async () => {
    const target = next('killed');
    const to = next('killed-tablespace');
    expect(await killed(target, to, 'step restore.publish')).toMatchObject({ killed: true });
    expect(await readdir(`${target}.partial`)).toContain('PG_VERSION');
    await expect(stat(target)).rejects.toThrow('ENOENT');
    const again = await restored({ targetDirectory: target, tablespaces: new Map([[tablespace, to]]) });
    expect(again.rows).toEqual(rowsOf(markers));
    await expect(stat(`${target}.partial`)).rejects.toThrow('ENOENT');
  });

  it('killed just behind that is whole', async () => {
    const target = next('killed');
    expect(await killed(target, next('killed-tablespace'), 'step restore.release')).toMatchObject({ killed: true });
    expect(await readdir(path.join(target, 'global'))).toContain('pg_control');
    expect((await refusal({ targetDirectory: target })).code).toBe('TARGET_NOT_EMPTY');
  });

  it('interrupted leaves nothing', async () => {
    const wanted = options();
    const context = testContext();
    const plan = await planClusterRestore(wanted, context);
    const report = (event: { readonly kind: string; readonly step?: string }) => {
      if (event.kind === 'step' && event.step === 'restore.configure') context.interrupt();
    };
    await expect(performClusterRestore(plan, { ...context, report })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const left = (await readdir(scratch)).filter((name) => name.includes(path.basename(wanted.targetDirectory)));
    expect(left).toEqual([]);
  });

  it('twice at once: one does it, the other is told who', async () => {
    const wanted = options();
    const [one, two] = [testContext(), testContext()];
    const plans = [await planClusterRestore(wanted, one), await planClusterRestore(wanted, two)];
    const ends = await Promise.allSettled(
      plans.map((plan, index) => performClusterRestore(plan, index === 0 ? one : two)),
    );
    const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as StructdbError).code] : []));
    expect(reasons).toHaveLength(1);
    expect(['LOCKED', 'TARGET_NOT_EMPTY']).toContain(reasons[0]);
    expect(await readdir(path.join(wanted.targetDirectory, 'global'))).toContain('pg_control');
  });
});

describe('the command line', () => {
  it.each([
    [['restore', 'latest', '--target', '/tmp/x', '--to', '2026-11-25 14:30:00'], /no offset from UTC/],
    [['restore', '--target', '/tmp/x', '--database', 'x'], /exclude each other/],
    [
      ['restore', 'latest', '--database', 'x', '--timeline', '3', '--salvage', '/x'],
      /--timeline, --salvage do not belong/,
    ],
    [['restore', '--target', '/tmp/x', '--url', 'postgres://x'], /--url does not belong/],
    [['restore', '--target', '/tmp/x', '--tablespace-mapping', 'nonsense'], /no mapping/],
    [['restore'], /Where to/],
  ])('refuses %p with 2', async (args, why) => {
    const { exitCode, stderr } = await structdb(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(why) });
  });

  it.each([
    [{ time: '2026-02-31 14:30:00Z' }, /no instant/],
    [{ time: 'yesterday' }, /no instant/],
    [{ time: '2026-11-25 14:30:00Z', xid: '5' }, /exclude each other/],
    [{ exclusive: true }, /--exclusive needs/],
    [{ name: 'x', exclusive: true }, /--exclusive needs/],
    [{ lsn: 'G/1' }, /no LSN/],
    [{ xid: '0' }, /no number of a transaction/],
    [{ acceptGap: true, lsn: '0/1' }, /--accept-gap goes without/],
  ])('knows no target %p', (words, why) => {
    expect(() => parseTarget(words)).toThrow(why);
  });

  it.each([
    ['2026-11-25 14:30+01', '2026-11-25T13:30:00.000Z', 0],
    ['2026-11-25T14:30:00.123456-05:30', '2026-11-25T20:00:00.123Z', 456],
    ['2026-11-25 14:30:00 UTC', '2026-11-25T14:30:00.000Z', 0],
  ])('takes the time %s', (time, at, micros) => {
    expect(parseTarget({ time })).toEqual({ kind: 'time', at: new Date(at), micros, inclusive: true });
  });

  it('restores into no store of the configuration, be it another than that of the backup', async () => {
    const cwd = await configFor(source.store);
    const local = JSON.stringify(source.store.location);
    await writeFile(
      path.join(cwd, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: ${local} }, other: { type: 'directory', path: 'other' } } };`,
    );
    await mkdir(path.join(cwd, 'other'));
    for (const more of [[], ['--dry-run']]) {
      const args = ['restore', '--target', 'other/data', '--tablespace-mapping', mappingTo(next('t')), ...more];
      const { exitCode, stderr } = await structdb(args, { cwd });
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining('which is a store of backups'),
      });
      expect(await readdir(path.join(cwd, 'other'))).toEqual([]);
    }
  });

  it('restores, replays and tells where the server is', async () => {
    const target = next('by-hand');
    const run = await structdb(
      ['restore', '--target', target, '--tablespace-mapping', mappingTo(next('t')), '--replay', '--json'].concat([
        '--to',
        markers[2]!.committedAt,
      ]),
      { cwd: await configFor(source.store) },
    );
    expect(run.exitCode).toBe(0);
    expect(run.json.result.start).toMatch(new RegExp(`pg_ctl start -D ${target} `));
    expect(run.json.result.replay).toMatchObject({ timeline: 2, running: false });
    expect(run.json.result.replay.replayedCommitAt).toBe(new Date(markers[2]!.committedAt).toISOString());
  });
});

describe('timelines', () => {
  it('latest follows a promoted server, current stays with the backup', async () => {
    const context = testContext();
    const wanted = options({ ...upTo({ xid: markers[6]!.xid }), archiving: 'keep' });
    const result = await performClusterRestore(await planClusterRestore(wanted, context), context);
    const promoted = await adopt(
      { ...source, directory: source.directory, dataDirectory: result.dataDirectory },
      { port: '5433', unix_socket_directories: source.directory },
      5433,
    );
    const own: Marker[] = rowsOf(await writeMarkers(promoted.connection, ['on timeline 2']));
    await promoted.archive();
    await promoted.stop();
    await source.archive();
    const newest = await restored();
    expect(newest.plan.reach.timeline).toBe(2);
    expect(newest.rows).toEqual([...rowsOf(markers.slice(0, 7)), ...own]);
    const current = await restored({ timeline: 'current' });
    expect(current.rows).toEqual(rowsOf(markers));
    const windows = await recoveryWindows(source.store, source.store, context, { places: testPlaces() });
    expect(windows.map(({ timeline }) => timeline).sort()).toEqual([1, 2]);
  });
});

describe('the pg_wal of a dead server', () => {
  it('makes the loss zero', async () => {
    await sql(source.connection, async (client) => {
      await client.query(`alter system set archive_command = 'false'`);
      await client.query('select pg_reload_conf()');
    });
    await until(async () =>
      sql(
        source.connection,
        async (client) => (await client.query('show archive_command')).rows[0].archive_command === 'false',
      ),
    );
    const unarchived = await writeMarkers(source.connection, ['never archived', 'nor this']);
    await sql(source.connection, (client) => client.query('select pg_switch_wal()'));
    unarchived.push(...(await writeMarkers(source.connection, ['in the open segment'])));
    await source.stop('immediate');
    const lost = await restored({ timeline: 'current' });
    expect(lost.rows).toEqual(rowsOf(markers));
    const saved = await restored({ timeline: 'current', salvage: path.join(source.dataDirectory, 'pg_wal') });
    expect(saved.rows).toEqual(rowsOf([...markers, ...unarchived]));
    expect(saved.plan.salvaged.length).toBeGreaterThanOrEqual(2);
  });
});

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
}

/** A folder with a configuration that names the store. */
async function configFor(store: Store): Promise<string> {
  const folder = next('config');
  await mkdir(folder);
  await writeFile(
    path.join(folder, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: ${JSON.stringify(store.location)} } } };`,
  );
  return folder;
}
