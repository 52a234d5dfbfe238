import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf } from '../../core/errors.ts';

/** Hidden: what begins with a dot is no migration. Of the lock, and of all that a killed process could leave beside it. */
const PREFIX = '.structdb-create';
const LOCK_NAME = `${PREFIX}.lock`;
const POLL_INTERVAL_MS = 20;
/** Choosing a name and writing a file takes milliseconds. */
const STALE_AFTER_MS = 5000;

/** The name of a file to write to before it gets its own. It goes with the lock, at the latest with the next one. */
export function temporaryIn(directory: string): string {
  return path.join(directory, `${PREFIX}.${randomUUID()}`);
}

/**
 * Runs `work` while no other structdb numbers a migration in this folder. A lock that a killed process left is broken: at
 * once where the process is known to be gone, else when the same lock is still there after five seconds.
 */
export async function withFolderLock<T>(directory: string, context: RunContext, work: () => Promise<T>): Promise<T> {
  const lock = path.join(directory, LOCK_NAME);
  const own = `${process.pid} ${randomUUID()} ${hostname()}`;
  await acquire(lock, own, context);
  try {
    await sweep(directory);
    return await work();
  } finally {
    // Held too long it may have been broken, and be another's by now.
    if ((await holderOf(lock)) === own) await rm(lock, { force: true });
  }
}

async function acquire(lock: string, own: string, context: RunContext): Promise<void> {
  const { clock } = context;
  let seen: { readonly holder: string; readonly sinceMs: number } | undefined;
  for (;;) {
    stopIfInterrupted(context);
    try {
      await writeFile(lock, own, { flag: 'wx' });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const holder = await holderOf(lock);
    if (holder === undefined) continue;
    if (seen === undefined || seen.holder !== holder) seen = { holder, sinceMs: clock.monotonicMs() };
    if (isGone(holder) || clock.monotonicMs() - seen.sinceMs > STALE_AFTER_MS) await breakLock(lock);
    else await sleep(POLL_INTERVAL_MS, undefined, { signal: context.signal }).catch(() => {});
  }
}

/** Undefined when it was released meanwhile; empty when its holder has not written yet. */
async function holderOf(lock: string): Promise<string | undefined> {
  return readFile(lock, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

async function sweep(directory: string): Promise<void> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(`${PREFIX}.`) && name !== LOCK_NAME);
  for (const name of left) await rm(path.join(directory, name), { force: true });
}

/** Only of this machine can it be known. */
function isGone(holder: string): boolean {
  const [, pid, host] = /^(\d+) \S+ (.+)$/.exec(holder) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Of several that break it at once, one gets it. */
async function breakLock(lock: string): Promise<void> {
  const aside = temporaryIn(path.dirname(lock));
  await rename(lock, aside).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  await rm(aside, { force: true });
}
