import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may stream through between two collections. */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

let sinceCollected = 0;
let collect: ((options: { readonly type: 'minor' }) => void) | undefined;

/**
 * Counts what streams through this process. Each chunk that a socket or a pipe gives is a buffer of its own outside the
 * heap, and V8 lets a hundred MiB of them pile up before it looks: so the young generation is collected now and then
 * (a millisecond for each 16 MiB).
 */
export function countStreamed(bytes: number): void {
  sinceCollected += bytes;
  if (sinceCollected < COLLECT_EVERY_BYTES) return;
  sinceCollected = 0;
  collect ??= exposedCollector();
  collect({ type: 'minor' });
}

function exposedCollector(): (options: { readonly type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
}
