import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may stream through between two collections. */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

/** What may be taken apart between two full collections. */
const COLLECT_FULLY_EVERY_BYTES = 2 * 1024 * 1024;

let sinceCollected = 0;
let sinceCollectedFully = 0;
let collect: Collector | undefined;

type Collector = (options: { readonly type: 'minor' | 'major' }) => void;

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

/**
 * Counts text that is taken apart into objects, fifty bytes of them for each byte. A tenth is in use whenever the young
 * generation is collected and so promoted, and V8 lets the old one grow by 50 MiB before it looks: so it is collected now and
 * then (ten milliseconds for each 2 MiB, which take a quarter of a second).
 */
export function countParsed(bytes: number): void {
  sinceCollectedFully += bytes;
  if (sinceCollectedFully < COLLECT_FULLY_EVERY_BYTES) return;
  sinceCollectedFully = 0;
  collect ??= exposedCollector();
  collect({ type: 'major' });
}

function exposedCollector(): Collector {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collector;
}

/** Smaller buffers may be parts of a pool that others use. */
const OWN_BUFFER_BYTES = 128 * 1024;

/**
 * Gives the memory of a large chunk back at once, when no byte of it and of the chunks before it is needed any more. V8 would
 * free it with a full collection, and many of those come when much memory outside its heap waits: decompressing 1.5 GB took
 * 1.0 s and 125 MiB without this, 0.65 s and 80 MiB with it. Only for chunks that a stream made; whoever else holds one finds
 * it empty. Does nothing where others may use the rest of the buffer.
 */
export function release(chunk: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = chunk;
  // A stream that fills a buffer by several chunks lets go of it with the one that reaches its end.
  if (byteOffset + byteLength === buffer.byteLength) releaseBuffer(chunk);
}

/** The same for a chunk that is known to be the only user of its buffer, wherever it ends. */
export function releaseBuffer({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= OWN_BUFFER_BYTES) buffer.transfer(0);
}
