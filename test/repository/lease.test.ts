import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
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

  it('leaves only a few generations behind', async () => {
    const repository = await freshRepository();
    for (let n = 0; n < 6; n += 1) await withLease(repository, 'x', actor, testContext(), async () => {});
    expect((await keysOf(repository.store, repository.keys.leases('x'))).length).toBeLessThanOrEqual(5);
  });
});
