import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { withLease } from '../../src/repository/lease.ts';
import { encodeJson, ensureRepository, type Repository } from '../../src/repository/repository.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { keysOf } from '../storage/store-contract.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const actor = { host: 'alpha', user: 'ada', command: 'backup run' };
const identity = { systemIdentifier: '7312345678901234567', postgresMajor: 15, walSegmentBytes: 16_777_216 };

async function freshRepository(): Promise<Repository> {
  const location = path.join(await mkdtemp(path.join(scratch, 'l-')), 'store');
  return ensureRepository(openDirectoryStore({ path: location, uid: process.geteuid?.() }), identity);
}

const elsewhere = { ...actor, host: 'beta' };

afterEach(() => void jest.useRealTimers());

/** A clock that stands still until told to pass, and the timer of renewals with it; all else takes its own time. */
function movableTime() {
  const real = [
    'Date',
    'hrtime',
    'nextTick',
    'performance',
    'queueMicrotask',
    'setImmediate',
    'clearImmediate',
  ] as const;
  jest.useFakeTimers({ doNotFake: [...real, 'setTimeout', 'clearTimeout'] });
  let ms = 0;
  const start = Date.parse('2026-11-24T02:00:00Z');
  const clock = { now: () => new Date(start + ms), monotonicMs: () => ms };
  return {
    context: { ...testContext(), clock },
    async pass(by: number) {
      ms += by;
      await jest.advanceTimersByTimeAsync(by);
    },
  };
}

async function generations(repository: Repository): Promise<number[]> {
  const keys = await keysOf(repository.store, repository.keys.leases('x'));
  return keys.map((key) => Number(/(\d+)\.json$/.exec(key)![1]));
}

/** Until the store was written to, or the signal has fired. */
async function settle(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}

describe('A lease', () => {
  it('is held by one at a time, and who holds it is named', async () => {
    const repository = await freshRepository();
    await withLease(repository, 'x', actor, testContext(), async () => {
      const second = withLease(repository, 'x', { ...actor, user: 'bob' }, testContext(), async () => 'never');
      await expect(second).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 5,
        message: expect.stringMatching(/"structdb backup run" of ada on alpha \(process \d+\) .* since 20\d\d-/),
      });
      await withLease(repository, 'another', actor, testContext(), async () => 'not concerned');
    });
    expect(await withLease(repository, 'x', actor, testContext(), async () => 'free again')).toBe('free again');
  });

  it('is won by exactly one of many that ask at once', async () => {
    const repository = await freshRepository();
    let inside = 0;
    let most = 0;
    const attempts = Array.from({ length: 8 }, () =>
      withLease(repository, 'x', actor, testContext(), async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      }).catch((error) => expect(error).toMatchObject({ code: 'LOCKED' })),
    );
    await Promise.all(attempts);
    expect(most).toBe(1);
  });

  it('is released also when the work fails', async () => {
    const repository = await freshRepository();
    const failing = withLease(repository, 'x', actor, testContext(), async () => {
      throw new Error('the work failed');
    });
    await expect(failing).rejects.toThrow('the work failed');
    await withLease(repository, 'x', actor, testContext(), async () => {});
  });

  it('of another host is respected until it expires, then taken over', async () => {
    const repository = await freshRepository();
    const started = Date.parse('2026-11-24T02:00:00Z');
    const held = {
      id: 'there',
      state: 'held',
      actor: { ...actor, host: 'beta' },
      process: { pid: 1 },
      since: new Date(started).toISOString(),
      expiresAt: new Date(started + 60_000).toISOString(),
    };
    await repository.store.putIfAbsent(repository.keys.lease('x', 1), encodeJson(held));
    const at = (ms: number) => ({
      ...testContext(),
      clock: { now: () => new Date(started + ms), monotonicMs: () => ms },
    });
    await expect(withLease(repository, 'x', actor, at(59_999), async () => {})).rejects.toMatchObject({
      code: 'LOCKED',
      hint: expect.stringContaining('2026-11-24T02:01:00.000Z'),
    });
    expect(await withLease(repository, 'x', actor, at(60_000), async () => 'taken over')).toBe('taken over');
  });

  it('of a process of this machine that was killed is free at once', async () => {
    const repository = await freshRepository();
    const source = (file: string) => JSON.stringify(path.join(projectRoot, 'src', file));
    const script = `
      import { withLease } from ${source('repository/lease.ts')};
      import { openRepository } from ${source('repository/repository.ts')};
      import { openDirectoryStore } from ${source('storage/directory-store.ts')};
      import { systemClock } from ${source('core/clock.ts')};
      const store = openDirectoryStore({ path: ${JSON.stringify(repository.store.location)}, uid: process.geteuid() });
      const context = { clock: systemClock, report: () => {}, signal: new AbortController().signal };
      await withLease(openRepository(store, '${identity.systemIdentifier}'), 'x', ${JSON.stringify(actor)}, context,
        () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await expect(withLease(repository, 'x', actor, testContext(), async () => {})).rejects.toMatchObject({
      code: 'LOCKED',
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(await withLease(repository, 'x', actor, testContext(), async () => 'free')).toBe('free');
  });

  it('is renewed in time as long as the work lasts', async () => {
    const repository = await freshRepository();
    const time = movableTime();
    await withLease(repository, 'x', actor, time.context, async () => {
      for (let turn = 1; turn <= 6; turn += 1) {
        await time.pass(20_000);
        // Three times as long as an unrenewed lease lasts, and still nobody else may have it.
        await settle(async () => (await generations(repository)).at(-1)! > turn);
        const second = withLease(repository, 'x', elsewhere, time.context, async () => 'never');
        await expect(second).rejects.toMatchObject({ code: 'LOCKED' });
      }
    });
    expect(await withLease(repository, 'x', elsewhere, time.context, async () => 'free')).toBe('free');
  });

  it('that another run took over stops the work, which is told that its lease is lost', async () => {
    const repository = await freshRepository();
    const time = movableTime();
    const work = withLease(repository, 'x', actor, time.context, async ({ signal }) => {
      const [newest] = (await generations(repository)).slice(-1);
      const theirs = {
        id: 'there',
        state: 'held',
        actor: elsewhere,
        process: { pid: 1 },
        since: time.context.clock.now().toISOString(),
        expiresAt: new Date(time.context.clock.now().getTime() + 60_000).toISOString(),
      };
      await repository.store.putIfAbsent(repository.keys.lease('x', newest! + 1), encodeJson(theirs));
      await time.pass(20_000);
      await settle(async () => signal.aborted);
      throw new Error('stopped by its signal');
    });
    await expect(work).rejects.toMatchObject({
      code: 'LEASE_LOST',
      exitCode: 1,
      message: expect.stringContaining('"x" was taken over'),
      hint: expect.stringContaining('Run it again'),
    });
    // What the other run holds was not given back by this one.
    const third = withLease(repository, 'x', actor, time.context, async () => 'never');
    await expect(third).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining('on beta') });
  });

  it('leaves only a few generations behind', async () => {
    const repository = await freshRepository();
    for (let n = 0; n < 6; n += 1) await withLease(repository, 'x', actor, testContext(), async () => {});
    expect((await keysOf(repository.store, repository.keys.leases('x'))).length).toBeLessThanOrEqual(5);
  });
});
