import type { Lsn } from '../core/lsn.ts';
import type { NewestTransactions } from './recovery-window.ts';
import { startOfSegment } from './wal-names.ts';

/** So many ends are remembered: each window has one. */
const MOST_REMEMBERED = 32;

/**
 * What was read of the WAL of one archive, so that whoever looks again reads only what came since: segments are never
 * rewritten. One that is damaged later on is found by `wal verify`, or when something comes behind it.
 */
export class WalEndMemory {
  /** The newest transactions up to the end of a segment, by its name, the latest used last. */
  readonly #upTo = new Map<string, NewestTransactions>();

  /** The last of these segments of which something is remembered; undefined: none. */
  find(
    systemIdentifier: string,
    segments: readonly string[],
  ): { readonly at: number; readonly newest: NewestTransactions } | undefined {
    for (let at = segments.length - 1; at >= 0; at -= 1) {
      const newest = this.#upTo.get(`${systemIdentifier} ${segments[at]}`);
      if (newest) return { at, newest };
    }
    return undefined;
  }

  /** Keeps what is in the last of these whole segments and before; what was found behind it stays out. */
  remember(
    systemIdentifier: string,
    segments: readonly string[],
    newest: NewestTransactions,
    segmentSizeBytes: number,
  ): void {
    const last = segments.at(-1);
    if (last === undefined) return;
    const end = startOfSegment(last, segmentSizeBytes) + BigInt(segmentSizeBytes);
    const within = (lsn: Lsn | undefined) => lsn === undefined || lsn < end;
    if (!within(newest.commit?.lsn) || !within(newest.end?.lsn)) return;
    const key = `${systemIdentifier} ${last}`;
    this.#upTo.delete(key);
    this.#upTo.set(key, newest);
    for (const oldest of this.#upTo.keys()) {
      if (this.#upTo.size <= MOST_REMEMBERED) break;
      this.#upTo.delete(oldest);
    }
  }
}
