import type { Clock } from './clock.ts';
import { StructdbError } from './errors.ts';
import type { ProgressListener } from './progress.ts';

/**
 * What every capability is given besides its options: the time, a way to tell what it is doing, and the wish to stop.
 * A capability checks `signal` at its safe points (`stopIfInterrupted`) and hands it to whatever it waits for.
 */
export interface RunContext {
  readonly clock: Clock;
  readonly report: ProgressListener;
  readonly signal: AbortSignal;
}

/** For what must run to its end although the user asked to stop: clean-up, and what it needs. */
export const unstoppable: Pick<RunContext, 'signal'> = Object.freeze({ signal: new AbortController().signal });

/** Throws INTERRUPTED when the user asked to stop. Call it where nothing is half done. */
export function stopIfInterrupted(context: Pick<RunContext, 'signal'>): void {
  if (context.signal.aborted) throw interrupted();
}

/** The error of a run that was asked to stop. */
export function interrupted(): StructdbError {
  return new StructdbError('INTERRUPTED', 'Interrupted.');
}
