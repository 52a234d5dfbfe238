import { readEvidence } from '../../repository/evidence.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestoreSizes } from './plan.ts';

/** How long the restore and the replay will take, and what that is taken from. */
export interface Estimate {
  readonly fetchMs: number;
  readonly replayMs: number;
  /** `drill`: the rates of the last drill of a base backup. `assumed`: 100 MB/s each. */
  readonly basis: 'drill' | 'assumed';
}

/** An ordinary disk unpacks, and a server replays, at least that. */
const ASSUMED_BYTES_PER_SECOND = 100_000_000;

/** What a drill of a base backup leaves; others have no such rates. */
interface Rates {
  readonly rate?: { readonly fetchBytesPerSecond?: number; readonly replayBytesPerSecond?: number };
}

/** From the newest drill that measured it. Reads evidence only. */
export async function estimateTime(repository: Repository, sizes: RestoreSizes): Promise<Estimate> {
  const records = await readEvidence(repository, 'drills').catch(() => []);
  const rates = records
    .map(({ record }) => (record as Rates).rate)
    .findLast((rate) => (rate?.fetchBytesPerSecond ?? 0) > 0);
  const timeOf = (bytes: number, perSecond: number | undefined) =>
    Math.round((bytes / (perSecond || ASSUMED_BYTES_PER_SECOND)) * 1000);
  return {
    fetchMs: timeOf(sizes.unpacked, rates?.fetchBytesPerSecond),
    replayMs: timeOf(sizes.wal, rates?.replayBytesPerSecond),
    basis: rates ? 'drill' : 'assumed',
  };
}
