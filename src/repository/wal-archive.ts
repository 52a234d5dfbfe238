import type { Repository } from './repository.ts';

/** How much WAL a repository holds. */
export interface WalArchive {
  /** Whole segments, of every timeline. */
  readonly segments: number;
  /** As stored, compressed. */
  readonly sizeBytes: number;
  /** Names of the first and the last segment in order of timeline and number; null when there is none. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

/** Counts the archived segments. Reads names and sizes only. */
export async function measureWalArchive({ store, keys }: Repository): Promise<WalArchive> {
  let sizeBytes = 0;
  const names: string[] = [];
  for await (const { key, sizeBytes: size } of store.list(keys.walRoot)) {
    const name = /\/([0-9A-F]{24})\.zst$/.exec(key)?.[1];
    if (name === undefined) continue;
    names.push(name);
    sizeBytes += size;
  }
  names.sort();
  return Object.freeze({ segments: names.length, sizeBytes, oldest: names[0] ?? null, newest: names.at(-1) ?? null });
}
