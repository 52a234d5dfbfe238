import type { RunContext } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { formatDuration } from '../../core/units.ts';
import type { Fact, FactFailure } from './fact.ts';

/** The error of what nobody has looked at so far. */
export const NOT_YET = 'It has not been looked at yet.';

/**
 * One part of what is gathered. Each reading has a time limit of its own; one that still hangs then is left alone, and no
 * second one is begun beside it. The last good value stays while a newer one cannot be had.
 */
export class Part<T> {
  readonly #read: (context: RunContext) => Promise<T>;
  readonly #limitMs: number;
  #fact: Fact<T>;
  #hanging = false;

  /** `limitMs`: milliseconds that one reading may take. */
  constructor(read: (context: RunContext) => Promise<T>, limitMs: number, now: Date) {
    this.#read = read;
    this.#limitMs = limitMs;
    this.#fact = { ok: false, at: now, error: NOT_YET, hint: null };
  }

  get fact(): Fact<T> {
    return this.#fact;
  }

  /** Reads anew. Never throws: what goes wrong is the fact. */
  async refresh(context: RunContext): Promise<void> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), this.#limitMs);
    try {
      const value = await this.#within({ ...context, signal: AbortSignal.any([context.signal, limit.signal]) });
      this.#fact = { ok: true, at: context.clock.now(), value, stale: null };
    } catch (error) {
      if (context.signal.aborted) return;
      this.#fail(limit.signal.aborted ? this.#tooLong() : error, context.clock.now());
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends with the signal, whether or not the reading does. */
  async #within(context: RunContext): Promise<T> {
    if (this.#hanging) throw new Error('The reading before this one still has no answer.');
    this.#hanging = true;
    const reading = this.#read(context).finally(() => {
      this.#hanging = false;
    });
    return new Promise<T>((resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      reading.then(resolve, reject);
    });
  }

  #tooLong(): StructdbError {
    return new StructdbError('STORE_FAILED', `There was no answer within ${formatDuration(this.#limitMs)}.`);
  }

  #fail(error: unknown, at: Date): void {
    const hint = error instanceof StructdbError ? error.hint : undefined;
    const failure: FactFailure = {
      at,
      error: redact(messageOf(error)),
      hint: hint === undefined ? null : redact(hint),
    };
    this.#fact = this.#fact.ok ? { ...this.#fact, stale: failure } : { ok: false, ...failure };
  }
}
