import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { pinBackup, planPrune, pruneBackups, unpinBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema } from '../../src/config/schema.ts';
import { listBackups } from '../../src/repository/backups.ts';
import { withLease } from '../../src/repository/lease.ts';
import { ensureRepository, type Repository } from '../../src/repository/repository.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { ago, at, findFlaws, findLeftovers, ownRepository, plant, plantTwoMonths, plantWal } from './planted.ts';
import { killedCopy } from './prune-killed.ts';
import { actor } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();

let connection: ConnectionSettings;
beforeAll(async () => {
  connection = { ...(await server.createOwnedDatabase()) };
});

const open = (location: string) => openDirectoryStore({ path: location, uid: process.geteuid?.() });

async function newStore(): Promise<{ store: Store; repository: Repository }> {
  const store = open(path.join(await mkdtemp(path.join(scratch, 'prune-')), 'store'));
  return { store, repository: await ownRepository(store, connection) };
}

function optionsFor(store: Store) {
  return { connection, openStore: async () => store, policy: configSchema.parse({}).backup, actor };
}

const twoMonths = (repository: Repository) => plantTwoMonths(repository, connection.database);
const labelsIn = async (repository: Repository) => (await listBackups(repository)).map(({ label }) => label);

describe('structdb backup prune', () => {
  it('removes what nothing keeps, whole, with the WAL that nobody replays, and nothing that is not its own', async () => {
    const { store, repository } = await newStore();
    const all = await twoMonths(repository);
    const foreign = await ensureRepository(store, { systemIdentifier: '42', postgresMajor: 15, walSegmentBytes: 1 });
    const theirs = await plant(foreign, { database: connection.database, at: ago(500) });
    const before = await keysOf(store, '');
    const plan = await planPrune(optionsFor(store), testContext());
    expect(await keysOf(store, '')).toEqual(before);
    const result = await pruneBackups(optionsFor(store), testContext());
    expect(result.removed).toEqual([all.lastMonth, all.oldest].sort());
    expect(plan.backups.filter(({ keep }) => !keep).map(({ label }) => label)).toEqual(result.removed);
    expect(result.backups.find(({ label }) => label === all.old)?.reason).toBe(`needed by ${all.increment}`);
    expect(result.backups.find(({ label }) => label === all.increment)?.reason).toBe('the newest verified incremental');
    // The anchor begins in the fourth segment; the three before it are replayed by nobody.
    expect(result.wal).toMatchObject([
      { keep: false, first: all.wal[0], last: all.wal[2], segments: 3 },
      { keep: true, first: all.wal[3], last: all.wal[7], reason: `replayed onto ${all.anchor}` },
    ]);
    const after = await keysOf(store, '');
    expect(after.filter((key) => key.includes(all.oldest))).toEqual([]);
    expect(after.filter((key) => key.includes('/wal/'))).toHaveLength(5);
    expect(await labelsIn(repository)).toEqual(
      [all.old, all.increment, all.others, all.newerOthers, all.anchor, all.today, all.newest].sort(),
    );
    expect(await labelsIn(foreign)).toEqual([theirs]);
    const again = await pruneBackups(optionsFor(store), testContext());
    expect(again).toMatchObject({ removed: [], removedSegments: 0, freedBytes: 0 });
  });

  it('removes nothing while the newest backup is broken, and no more than was confirmed', async () => {
    const { store, repository } = await newStore();
    const all = await twoMonths(repository);
    await plant(repository, { database: connection.database, at: new Date(), verified: false });
    await plant(repository, { kind: 'base', at: new Date(), verified: false });
    expect(await pruneBackups(optionsFor(store), testContext())).toMatchObject({ removed: [], removedSegments: 0 });
    await plant(repository, { database: connection.database, at: new Date(Date.now() + 5) });
    await plant(repository, { kind: 'base', at: new Date(Date.now() + 5), tiers: [], startLsn: at(8) });
    const plan = await planPrune(optionsFor(store), testContext());
    const confirmed = { backups: plan.backups.filter(({ label }) => label === all.lastMonth), wal: [] };
    expect(await pruneBackups(optionsFor(store), testContext(), confirmed)).toMatchObject({
      removed: [all.lastMonth],
      removedSegments: 0,
    });
  });

  it('finds the WAL in any store of the policy, and keeps the backup that the window is reached from', async () => {
    const [dumps, bases] = [await newStore(), await newStore()];
    const old = await plant(bases.repository, { kind: 'base', at: ago(20), tiers: ['weekly'], startLsn: at(1) });
    const anchor = await plant(bases.repository, { kind: 'base', at: ago(9), tiers: ['weekly'], startLsn: at(3) });
    const newest = await plant(bases.repository, { kind: 'base', at: ago(0), tiers: ['weekly', 'monthly'] });
    const wal = await plantWal(bases.repository, at(1), 5);
    const base = { kind: 'base', store: 'cold', keep: '3 days' } as const;
    const { backup: policy } = configSchema.parse({
      stores: { cold: { type: 'directory', path: '/cold' } },
      backup: { weekly: base, monthly: base },
    });
    const openStore = async (name: string) => (name === 'cold' ? bases.store : dumps.store);
    const result = await pruneBackups({ connection, openStore, policy, actor }, testContext());
    expect(result.removed).toEqual([old]);
    expect(result.backups.find(({ label }) => label === anchor)?.reason).toContain('recovery window');
    expect(result.wal).toMatchObject([
      { keep: false, store: 'cold', first: wal[0], last: wal[1] },
      { keep: true, store: 'cold', first: wal[2], last: wal[4] },
    ]);
    expect(await labelsIn(bases.repository)).toEqual([anchor, newest]);
  });

  it('keeps what is pinned until it is unpinned', async () => {
    const { store, repository } = await newStore();
    const { lastMonth, oldest } = await twoMonths(repository);
    const options = { store, label: lastMonth, actor };
    expect(await pinBackup({ ...options, reason: 'an audit' }, testContext())).toMatchObject({
      changed: true,
      pin: { reason: 'an audit', by: actor },
    });
    expect(await pinBackup(options, testContext())).toMatchObject({ changed: false, pin: { reason: 'an audit' } });
    expect((await pruneBackups(optionsFor(store), testContext())).removed).toEqual([oldest]);
    expect(await unpinBackup(options, testContext())).toMatchObject({ changed: true });
    expect((await pruneBackups(optionsFor(store), testContext())).removed).toEqual([lastMonth]);
    await expect(pinBackup(options, testContext())).rejects.toMatchObject({ code: 'BACKUP_MISSING' });
  });

  it('leaves alone what somebody else makes right now, and lets only one prune at once', async () => {
    const { store, repository } = await newStore();
    const { lastMonth, oldest } = await twoMonths(repository);
    const lease = `dump-${connection.database}`;
    // An unlisted folder under a held lease is a backup in the making.
    const making = repository.keys.part('20991124T020000.000Z-dump-app', 'one');
    await withLease(repository, lease, { ...actor, command: 'backup' }, testContext(), async () => {
      await store.putIfAbsent(making, Buffer.from('half'));
      const result = await pruneBackups(optionsFor(store), testContext());
      expect(result.removed).toEqual([oldest]);
      expect(result.leftAlone).toEqual([expect.stringContaining('"structdb backup" of ada on alpha')]);
      expect(await labelsIn(repository)).toContain(lastMonth);
      expect(await store.head(making)).toBeDefined();
    });
    await withLease(repository, 'prune', actor, testContext(), async () => {
      await expect(pruneBackups(optionsFor(store), testContext())).rejects.toMatchObject({ code: 'LOCKED' });
    });
  });

  it('killed just before and after a manifest goes, leaves nothing listed that is partial; the next run finishes', async () => {
    const { store, repository } = await newStore();
    const { oldest } = await twoMonths(repository);
    const whole = await killedCopy(store, connection, scratch, 0);
    expect(whole.died).toMatchObject({ exitCode: 0, stderr: '' });
    const before = whole.died.points.indexOf('before delete manifest.json') + 1;
    const after = whole.died.points.indexOf('after delete manifest.json') + 1;
    expect([before > 0, after]).toEqual([true, before + 1]);
    for (const point of [before, after]) {
      const killed = await killedCopy(store, connection, scratch, point);
      const own = { ...repository, store: killed.store };
      expect(killed.died.killed).toBe(true);
      expect(await findFlaws(own)).toEqual([]);
      expect((await labelsIn(own)).includes(oldest)).toBe(point === before);
      await pruneBackups(optionsFor(killed.store), testContext());
      expect([await findFlaws(own), await findLeftovers(own)]).toEqual([[], []]);
      expect(await labelsIn(own)).toEqual(await labelsIn({ ...repository, store: whole.store }));
    }
  });
});
