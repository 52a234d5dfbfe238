import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import type { StructdbError } from '../core/errors.ts';
import { isRunning, processStart } from './process.ts';

/** Who holds a lock of this machine. */
export interface LockHolder {
  readonly pid: number;
  /** When that process began, in the system's own words: tells a new process with an old number. */
  readonly processStart: string | null;
  readonly command: string;
  readonly since: string;
}

export interface FileLock {
  /** Where the contenders leave their files; it must exist. */
  readonly directory: string;
  /** Beginning of their names, the lock's own in that directory. */
  readonly prefix: string;
  /** What this process does, for those that find it held. */
  readonly command: string;
  /** How long to wait for another one. */
  readonly waitMs: number;
  readonly onWait: (holder: LockHolder) => void;
  readonly lockedBy: (holder: LockHolder) => StructdbError;
  /** Makes the error of a directory that cannot be written or is gone. */
  readonly unwritable: (cause: unknown) => unknown;
}

/**
 * Runs `work` while no other process of this machine holds the lock. Each contender writes a file of its own, then looks
 * for others: whoever sees another live one takes his own back and tries again. Two can never both go on, and since names
 * are never used twice, a dead one's file can be removed by anybody at any time.
 */
export async function withFileLock<T>(lock: FileLock, context: RunContext, work: () => Promise<T>): Promise<T> {
  const own = path.join(lock.directory, `${lock.prefix}${randomUUID()}.json`);
  const mine: LockHolder = {
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? null,
    command: lock.command,
    since: context.clock.now().toISOString(),
  };
  const started = context.clock.monotonicMs();
  let told = false;
  for (;;) {
    stopIfInterrupted(context);
    await writeFile(own, `${JSON.stringify(mine)}\n`, { mode: 0o644 }).catch((cause: unknown) => {
      throw lock.unwritable(cause);
    });
    const other = await liveHolder(lock, own).catch(async (error: unknown) => {
      await rm(own, { force: true });
      throw error;
    });
    if (other === undefined) break;
    await rm(own, { force: true });
    if (context.clock.monotonicMs() - started > lock.waitMs) throw lock.lockedBy(other);
    if (!told) lock.onWait(other);
    told = true;
    // Two that see each other both step back; different pauses let one of them through.
    await sleep(50 + Math.random() * 150, undefined, { signal: context.signal }).catch(() => {});
  }
  try {
    return await work();
  } finally {
    await rm(own, { force: true });
  }
}

export function describeHolder(holder: LockHolder): string {
  return `"structdb ${holder.command}" (process ${holder.pid}, since ${holder.since})`;
}

async function liveHolder({ directory, prefix }: FileLock, own: string): Promise<LockHolder | undefined> {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    if (!name.startsWith(prefix) || file === own) continue;
    const holder = await readHolder(file);
    if (holder === 'gone') continue;
    if (holder !== 'unfinished' && (await isHeld(holder))) return holder;
    if (holder !== 'unfinished') await rm(file, { force: true });
  }
  return undefined;
}

async function readHolder(file: string): Promise<LockHolder | 'gone' | 'unfinished'> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return 'gone';
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    // Its writer looks for others after writing, and will see this one.
    return 'unfinished';
  }
}

async function isHeld(holder: LockHolder): Promise<boolean> {
  if (!(await isRunning(holder.pid))) return false;
  return holder.processStart === null || holder.processStart === ((await processStart(holder.pid)) ?? null);
}
