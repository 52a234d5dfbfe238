import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf, StructdbError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { describeActivity, type SessionActivity } from '../activity.ts';

/** How often a migration is tried again that met a lock or a deadlock. */
const MORE_ATTEMPTS = 3;
const LONGEST_PAUSE_MS = 10_000;

export interface LockRetryOptions {
  readonly name: string;
  /** Only a transaction leaves nothing behind when it fails: what has none is tried once. */
  readonly transactional: boolean;
  readonly lockTimeoutMs: number;
  readonly context: RunContext;
  /** Runs one attempt and sees who keeps it waiting. */
  readonly watched: (attempt: () => Promise<void>) => Promise<{
    readonly outcome: PromiseSettledResult<void>;
    readonly blockers: readonly SessionActivity[];
  }>;
}

/**
 * Runs a migration, again when somebody else's lock was in its way: 55P03 lock_not_available, 40P01 deadlock_detected.
 * The pauses grow, so that the others get their turn, and are uneven, so that two runs do not meet again.
 */
export async function withLockRetries(attempt: () => Promise<void>, options: LockRetryOptions): Promise<void> {
  const { name, transactional, lockTimeoutMs, context, watched } = options;
  const last = transactional ? MORE_ATTEMPTS + 1 : 1;
  for (let number = 1; ; number += 1) {
    const { outcome, blockers } = await watched(attempt);
    if (outcome.status === 'fulfilled') return;
    const error: unknown = outcome.reason;
    const obstacle = obstacleOf(error);
    if (obstacle === undefined || context.signal.aborted) throw error;
    const who = blockers.map(describeActivity);
    if (number >= last || obstacle === 'waited long') throw blockedBy(error, who, blockers, number);
    const pauseMs = pauseBefore(number, lockTimeoutMs);
    context.report({
      kind: 'notice',
      message: `${name} met ${obstacle} (attempt ${number} of ${last}), again in ${formatDuration(pauseMs)}. In the way: ${who.join('; ') || 'nobody that could be seen'}`,
    });
    await sleep(pauseMs, undefined, { signal: context.signal }).catch(() => {});
    stopIfInterrupted(context);
  }
}

/** What stood in the way; undefined when it was something else. `waited long`: the migration itself had tried again and again. */
function obstacleOf(error: unknown): 'a lock' | 'a deadlock' | 'waited long' | undefined {
  const source = error instanceof StructdbError ? error.cause : error;
  const code = codeOf(source);
  if (code === '40P01') return 'a deadlock';
  if (code !== '55P03') return undefined;
  // The routine of a PL/pgSQL RAISE: lockTables of the migrations, which has tried for a minute.
  return (source as { routine?: string }).routine === 'exec_stmt_raise' ? 'waited long' : 'a lock';
}

/** A fifth of the lock timeout, doubled each time, of which the second half is by chance. Milliseconds. */
function pauseBefore(retry: number, lockTimeoutMs: number): number {
  const base = Math.max(50, (lockTimeoutMs || 5000) / 5);
  const pause = Math.min(LONGEST_PAUSE_MS, base * 2 ** (retry - 1));
  return Math.round(pause * (0.5 + Math.random() / 2));
}

/** The failure with what it needs: how often it was tried, and who is in the way. */
function blockedBy(
  error: unknown,
  who: readonly string[],
  blockers: readonly SessionActivity[],
  attempts: number,
): unknown {
  if (!(error instanceof StructdbError)) return error;
  const tried = attempts > 1 ? ` It was tried ${attempts} times.` : '';
  const pids = blockers.map(({ pid }) => pid).filter((pid) => pid > 0);
  const end = pids.length > 0 ? `, or end it: select pg_terminate_backend(${pids[0]})` : '';
  const hint = who.length > 0 ? `Wait for it to finish${end}; then run the command again.` : error.hint;
  return new StructdbError(error.code, `${error.message}${tried}`, {
    cause: error.cause,
    details: [...error.details, ...who.map((one) => `in the way: ${one}`)],
    ...(hint === undefined ? {} : { hint }),
  });
}
