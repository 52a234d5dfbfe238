import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkDue, type PolicyOptions, runDueBackups } from '../../src/backup/index.ts';
import { tasksOf, tierRules } from '../../src/backup/tiers.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema, type UserConfig } from '../../src/config/schema.ts';
import { StructdbError } from '../../src/core/errors.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { ownRepository, plant } from './planted.ts';
import { actor, fill } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();
let owned: ConnectionSettings;

beforeAll(async () => {
  owned = await server.createOwnedDatabase();
  await fill(owned, 10);
});

const stores = { archive: { type: 'directory', path: './archive' } } as const;
const policyOf = (backup: UserConfig['backup']) => configSchema.parse({ stores, backup }).backup;

async function optionsFor(connection: ConnectionSettings, backup: UserConfig['backup'] = {}): Promise<PolicyOptions> {
  const root = await mkdtemp(path.join(scratch, 'policy-'));
  const openStore = async (name: string) =>
    openDirectoryStore({ path: path.join(root, name), uid: process.geteuid?.() });
  return { connection, openStore, places: testPlaces(), policy: policyOf(backup), actor };
}

/** The clock at an instant and running on from there: labels must differ. */
function contextAt(instant: string) {
  const started = performance.now();
  const now = () => new Date(Date.parse(instant) + performance.now() - started);
  return { ...testContext(), clock: { now, monotonicMs: () => performance.now() } };
}

describe('The tiers', () => {
  it('are base backups beside the daily dumps where nothing else is configured, one task for each kind and store', () => {
    const own = tasksOf(policyOf({}));
    expect(own).toMatchObject([
      { kind: 'dump', store: 'local', implied: false, tiers: [{ tier: 'daily' }] },
      { kind: 'base', store: 'local', implied: true, tiers: [{ tier: 'weekly' }, { tier: 'monthly' }] },
    ]);
    const split = policyOf({ weekly: { store: 'archive' }, monthly: { store: 'archive', keep: '2 months' } });
    expect(tasksOf(split)).toMatchObject([{ kind: 'dump' }, { kind: 'base', store: 'archive', implied: false }]);
    expect(tierRules(split)[2]).toMatchObject({ tier: 'monthly', keepMs: 62 * 86_400_000 });
    const incremental = tasksOf(policyOf({ daily: { kind: 'incremental' } }));
    expect(incremental.map(({ kind }) => kind)).toEqual(['base', 'incremental']);
  });
});

describe('structdb backup', () => {
  it('makes a dump for a plain owner, tells what base backups would need, and is content', async () => {
    const options = await optionsFor(owned);
    const context = contextAt('2026-11-24T02:00:00Z');
    const { result, verdict } = await runDueBackups(options, context);
    expect(verdict).toBeUndefined();
    expect(result).toMatchObject({
      made: { kind: 'dump', tiers: ['daily'] },
      tasks: [
        { kind: 'dump', error: null },
        { kind: 'base', made: null, error: null },
      ],
    });
    expect(result.tasks[1]!.leftOut).toContain('REPLICATION');
    expect(context.events).toContainEqual(expect.objectContaining({ kind: 'notice' }));
    const { label } = result.made!;
    const later = await runDueBackups(options, contextAt('2026-11-25T01:59:00Z'));
    expect(later.result).toMatchObject({ made: null, satisfiedBy: label, pruned: null });
    expect((await checkDue(options, contextAt('2026-11-25T01:59:00Z'))).verdict).toBeUndefined();
    const next = await checkDue(options, contextAt('2026-11-25T02:00:00Z'));
    expect(next.verdict).toMatchObject({ code: 'BACKUP_DUE', exitCode: 3 });
  });

  it('makes a dump and one base backup for week and month where the role may, once, and prunes afterwards', async () => {
    const options = await optionsFor({ ...server.superuser, database: owned.database });
    const repository = await ownRepository(await options.openStore('local'), server.superuser);
    const { database } = owned;
    const expired = await plant(repository, { database, at: new Date('2026-10-01T02:00:00Z') });
    // 1 December 2026 is a Tuesday.
    const { result, verdict } = await runDueBackups(options, contextAt('2026-11-30T02:00:05Z'));
    expect(verdict).toBeUndefined();
    expect(result.tasks).toMatchObject([
      { kind: 'dump', due: ['daily'], made: { tiers: ['daily'], removed: [expired] } },
      { kind: 'base', due: ['weekly', 'monthly'], made: { tiers: ['weekly', 'monthly'] } },
    ]);
    const before = await keysOf(await options.openStore('local'), '');
    const check = await checkDue(options, contextAt('2026-12-01T03:00:00Z'));
    expect(check.result.tasks).toMatchObject([
      { kind: 'dump', due: ['daily'] },
      { kind: 'base', due: ['monthly'], satisfiedBy: result.tasks[1]!.made!.label },
    ]);
    expect(await keysOf(await options.openStore('local'), '')).toEqual(before);
  });

  it('tries the others when one fails, tells each, and fails with the reason of the first', async () => {
    const given = await optionsFor(owned, { weekly: { kind: 'dump', store: 'archive' } });
    const openStore = async (name: string) => {
      if (name === 'archive') throw new StructdbError('STORE_FAILED', 'The archive is away.', { hint: 'Wait.' });
      return given.openStore(name);
    };
    const { result, verdict } = await runDueBackups({ ...given, openStore }, testContext());
    expect(verdict).toMatchObject({ code: 'STORE_FAILED', hint: 'Wait.' });
    expect(result.tasks).toMatchObject([
      { kind: 'dump', store: 'local', error: null, made: { tiers: ['daily'] } },
      { kind: 'dump', store: 'archive', made: null, error: { code: 'STORE_FAILED', message: 'The archive is away.' } },
      { kind: 'base', store: 'local' },
    ]);
  });

  it('takes a base backup for what an incremental tier of its store wants, and not the other way round', async () => {
    const options = await optionsFor(owned, { daily: { kind: 'incremental' } });
    const repository = await ownRepository(await options.openStore('local'), server.superuser);
    const tiers = ['daily', 'weekly'] as const;
    const at = new Date('2026-11-24T02:00:10Z');
    const base = await plant(repository, { kind: 'base', at, tiers });
    const increment = {
      kind: 'incremental',
      at: new Date(at.getTime() + 1000),
      tiers: ['monthly'],
      parent: base,
    } as const;
    await plant(repository, increment);
    const { result } = await checkDue(options, contextAt('2026-11-24T03:00:00Z'));
    expect(result.tasks).toMatchObject([
      { kind: 'base', due: ['monthly'], satisfiedBy: base },
      { kind: 'incremental', due: [], satisfiedBy: base },
    ]);
  });

  it('takes a backup that was found broken for none', async () => {
    const options = await optionsFor(owned);
    const repository = await ownRepository(await options.openStore('local'), server.superuser);
    const at = new Date('2026-11-24T02:00:10Z');
    await plant(repository, { database: owned.database, at, verified: false });
    const broken = await checkDue(options, contextAt('2026-11-24T03:00:00Z'));
    expect(broken.result.tasks[0]).toMatchObject({ due: ['daily'] });
    const whole = await plant(repository, { database: owned.database, at: new Date(at.getTime() + 1) });
    const good = await checkDue(options, contextAt('2026-11-24T03:00:00Z'));
    expect(good.result).toMatchObject({ satisfiedBy: whole });
  });
});
