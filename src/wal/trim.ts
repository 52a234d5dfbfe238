import type { ArchiveSettings } from '../repository/archive-settings.ts';
import { parseLabel } from '../repository/label.ts';
import type { Repository } from '../repository/repository.ts';
import { segmentNumber, type WalFileName } from '../repository/wal-names.ts';

interface StoredSegment {
  readonly key: string;
  readonly sizeBytes: number;
}

/**
 * Keeps a development archive below its limit, oldest first, as long as no base backup needs WAL. It looks at every n-th
 * segment only, since looking means listing: n segments, uncompressed, are an eighth of the limit, and it trims that
 * much below it, so the limit holds in between. Returns how many segments it removed.
 */
export async function trimArchive(
  repository: Repository,
  pushed: WalFileName,
  settings: Pick<ArchiveSettings, 'trimLimitBytes' | 'segmentSizeBytes'>,
): Promise<number> {
  const { trimLimitBytes, segmentSizeBytes } = settings;
  if (trimLimitBytes === null || pushed.kind !== 'segment') return 0;
  const stride = Math.max(1, Math.floor(trimLimitBytes / 8 / segmentSizeBytes));
  if (segmentNumber(pushed.name, segmentSizeBytes) % BigInt(stride) !== 0n) return 0;
  const { store, keys } = repository;
  if (await hasBaseBackup(repository)) return 0;
  await store.sweep(keys.walRoot);
  const segments: StoredSegment[] = [];
  for await (const object of store.list(keys.walRoot)) {
    if (/\/[0-9A-F]{24}\.zst$/.test(object.key)) segments.push(object);
  }
  const excess = chooseExcess(segments, Math.max(0, trimLimitBytes - stride * segmentSizeBytes));
  for (const { key } of excess) await store.delete(key);
  return excess.length;
}

/** The oldest segments, so many that the rest fits into the limit. The newest always stays. */
export function chooseExcess<Segment extends StoredSegment>(
  segments: readonly Segment[],
  limitBytes: number,
): Segment[] {
  const oldestFirst = [...segments].sort((a, b) => (a.key < b.key ? -1 : 1));
  let total = oldestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const excess: Segment[] = [];
  for (const segment of oldestFirst.slice(0, -1)) {
    if (total <= limitBytes) break;
    excess.push(segment);
    total -= segment.sizeBytes;
  }
  return excess;
}

/** Also one that is being made: its manifest comes last, but its WAL is needed from its beginning on. */
async function hasBaseBackup({ store, keys }: Repository): Promise<boolean> {
  const labels = await store.folders(keys.backups);
  return labels.some((label) => parseLabel(label)?.kind !== 'dump');
}
