import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { readObject } from '../storage/store.ts';
import { type Actor, isGone, ownMark, type ProcessMark } from './holder.ts';
import { encodeJson, parseJson, type Repository } from './repository.ts';

/** A lease that is not renewed for this long may be taken over. */
const LEASE_MS = 60_000;
const RENEW_MS = 20_000;
/** Generations kept below the newest; more would only be history. */
const KEPT_GENERATIONS = 4;

interface Generation {
  readonly id: string;
  readonly state: 'held' | 'released';
  readonly actor: Actor;
  readonly process: ProcessMark;
  readonly since: string;
  readonly expiresAt: string;
}

interface Newest {
  readonly number: number;
  readonly lease: Generation | undefined;
}

/**
 * Runs `work` while nobody else holds the lease of that name. A lease is a row of generations `leases/<name>/<n>.json`:
 * taken, renewed, taken over and released only by putIfAbsent of generation n + 1, so two can never both hold it,
 * on any store. `work` gets a context whose signal also fires when the lease is lost.
 * @throws LOCKED (who, since when), LEASE_LOST
 */
export async function withLease<T>(
  repository: Repository,
  name: string,
  actor: Actor,
  context: RunContext,
  work: (context: RunContext) => Promise<T>,
): Promise<T> {
  const mark = await ownMark();
  const own: LeaseIdentity = { id: randomUUID(), actor, process: mark, since: context.clock.now().toISOString() };
  let generation = await take(repository, name, own, context.clock);
  const lost = new AbortController();
  const renew = async () => {
    generation += 1;
    const renewed = await repository.store
      .putIfAbsent(repository.keys.lease(name, generation), encodeJson(heldBy(own, context.clock)))
      .catch(() => undefined);
    // A store that fails for a moment costs nothing: the next renewal comes before the lease expires.
    if (renewed === undefined) generation -= 1;
    else if (renewed) await forgetOld(repository, name, generation);
    else lost.abort();
  };
  let renewal = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renewal.then(renew).catch(() => {});
  }, RENEW_MS);
  timer.unref();
  try {
    return await work({ ...context, signal: AbortSignal.any([context.signal, lost.signal]) });
  } catch (error) {
    if (lost.signal.aborted && !context.signal.aborted) throw leaseLost(name);
    throw error;
  } finally {
    clearInterval(timer);
    await renewal;
    if (!lost.signal.aborted) {
      const released = { ...heldBy(own, context.clock), state: 'released' };
      await repository.store.putIfAbsent(repository.keys.lease(name, generation + 1), encodeJson(released));
      await forgetOld(repository, name, generation + 1).catch(() => {});
    }
  }
}

type LeaseIdentity = Omit<Generation, 'state' | 'expiresAt'>;

/** Returns the generation taken. */
async function take(repository: Repository, name: string, own: LeaseIdentity, clock: Clock): Promise<number> {
  for (;;) {
    const newest = await newestGeneration(repository, name);
    if (newest.lease && (await isLive(newest.lease, clock))) throw locked(name, newest.lease);
    const number = newest.number + 1;
    const won = await repository.store.putIfAbsent(repository.keys.lease(name, number), encodeJson(heldBy(own, clock)));
    // Whoever looked before others passed by may have filled a forgotten generation: only the newest one counts.
    if (won && (await newestGeneration(repository, name)).number === number) return number;
  }
}

async function newestGeneration(repository: Repository, name: string): Promise<Newest> {
  let newestKey: string | undefined;
  for await (const { key } of repository.store.list(repository.keys.leases(name))) newestKey = key;
  if (newestKey === undefined) return { number: 0, lease: undefined };
  const number = Number(/(\d+)\.json$/.exec(newestKey)?.[1]);
  return { number, lease: parseJson(await readObject(repository.store, newestKey)) as Generation | undefined };
}

async function isLive(lease: Generation, clock: Clock): Promise<boolean> {
  if (lease.state === 'released' || clock.now().getTime() >= Date.parse(lease.expiresAt)) return false;
  return !(await isGone(lease.process));
}

/** A live generation is never deleted: these were superseded. */
async function forgetOld(repository: Repository, name: string, generation: number): Promise<void> {
  for await (const { key } of repository.store.list(repository.keys.leases(name))) {
    if (key < repository.keys.lease(name, Math.max(0, generation - KEPT_GENERATIONS)))
      await repository.store.delete(key);
  }
}

function heldBy(own: LeaseIdentity, clock: Clock): Generation {
  return { ...own, state: 'held', expiresAt: new Date(clock.now().getTime() + LEASE_MS).toISOString() };
}

function locked(name: string, lease: Generation): StructdbError {
  const { actor, process: mark, since } = lease;
  return new StructdbError(
    'LOCKED',
    `"structdb ${actor.command}" of ${actor.user} on ${actor.host} (process ${mark.pid}) holds the lease "${name}" since ${since}.`,
    { hint: `Wait for it; if it died on another host, its lease ends at ${lease.expiresAt}.` },
  );
}

function leaseLost(name: string): StructdbError {
  return new StructdbError('LEASE_LOST', `The lease "${name}" was taken over by another run: this one stopped.`, {
    hint: 'Run it again when the other one is done.',
  });
}
