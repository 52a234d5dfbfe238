import { randomInt } from 'node:crypto';
import type { RecoveryWindow } from '../../repository/recovery-window.ts';

/** An instant of a recovery window, and the number that chose it. */
export interface RandomInstant {
  readonly at: Date;
  readonly seed: number;
  readonly window: RecoveryWindow;
}

/**
 * The same seed chooses the same share of the window. Longer windows are drawn more often. A window counts up to its newest
 * commit, which is left out itself: replay only knows that it has passed an instant when it meets a later one. A base backup
 * behind that commit makes the window longer, and tells no instant of it.
 */
export function randomInstant(
  windows: readonly RecoveryWindow[],
  seed = randomInt(2 ** 31),
): RandomInstant | undefined {
  const spans = windows
    .map((window) => {
      const fromMs = Date.parse(window.from);
      return { window, fromMs, ms: Date.parse(window.newestCommitAt ?? window.from) - fromMs };
    })
    .filter(({ ms }) => ms > 1);
  const total = spans.reduce((sum, { ms }) => sum + ms, 0);
  let offset = Math.floor(share(seed) * (total - spans.length));
  for (const { window, fromMs, ms } of spans) {
    if (offset < ms - 1) return { at: new Date(fromMs + offset), seed, window };
    offset -= ms - 1;
  }
  return undefined;
}

/** A number from 0 to below 1 (mulberry32: one step is enough for one number). */
function share(seed: number): number {
  let state = (seed + 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}
