import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { isRunning, processStart } from '../programs/process.ts';

const PREFIX = 'lock-';
const WAIT_MS = 120_000;

interface Holder {
  readonly pid: number;
  /** When that process began, in the system's own words: tells a new process with an old number. */
  readonly processStart: string | null;
  readonly command: string;
  readonly since: string;
}

/**
 * Runs `work` while no other structdb works on this private server. A second one waits, and gives up with LOCKED.
 *
 * Each contender writes a file of its own, then looks for others: whoever sees another live one takes his own back and
 * tries again. Two can never both go on, and since names are never used twice, a dead one's file can be removed by
 * anybody at any time.
 */
export async function withServerLock<T>(
  directory: string,
  command: string,
  context: RunContext,
  work: () => Promise<T>,
): Promise<T> {
  const own = path.join(directory, `${PREFIX}${randomUUID()}.json`);
  const mine: Holder = {
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? null,
    command,
    since: context.clock.now().toISOString(),
  };
  const started = context.clock.monotonicMs();
  let told = false;
  for (;;) {
    stopIfInterrupted(context);
    await writeFile(own, `${JSON.stringify(mine)}\n`, { mode: 0o644 }).catch((cause: unknown) => {
      throw unwritable(directory, cause);
    });
    const other = await liveHolder(directory, own).catch(async (error: unknown) => {
      await rm(own, { force: true });
      throw error;
    });
    if (other === undefined) break;
    await rm(own, { force: true });
    if (context.clock.monotonicMs() - started > WAIT_MS) throw lockedBy(other);
    if (!told) context.report({ kind: 'notice', message: `Waiting for ${describe(other)}.` });
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

async function liveHolder(directory: string, own: string): Promise<Holder | undefined> {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    if (!name.startsWith(PREFIX) || file === own) continue;
    const holder = await readHolder(file);
    if (holder === 'gone') continue;
    if (holder !== 'unfinished' && (await isHeld(holder))) return holder;
    if (holder !== 'unfinished') await rm(file, { force: true });
  }
  return undefined;
}

async function readHolder(file: string): Promise<Holder | 'gone' | 'unfinished'> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return 'gone';
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Its writer looks for others after writing, and will see this one.
    return 'unfinished';
  }
}

async function isHeld(holder: Holder): Promise<boolean> {
  if (!(await isRunning(holder.pid))) return false;
  return holder.processStart === null || holder.processStart === ((await processStart(holder.pid)) ?? null);
}

function describe(holder: Holder): string {
  return `"structdb ${holder.command}" (process ${holder.pid}, since ${holder.since})`;
}

function unwritable(directory: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === 'ENOENT') {
    return new StructdbError('LOCKED', `Another structdb has just removed ${directory}.`, {
      cause,
      hint: 'Run the command again.',
    });
  }
  if (code !== 'EACCES' && code !== 'EPERM') return cause;
  return new StructdbError('DATA_DIRECTORY_OWNER', `The private server in ${directory} belongs to another user.`, {
    cause,
    hint: `Run structdb as the owner: ls -ld ${directory}`,
  });
}

function lockedBy(holder: Holder): StructdbError {
  return new StructdbError('LOCKED', `The private server is in the hands of ${describe(holder)}.`, {
    hint: 'Wait for it to end, then run the command again.',
  });
}
