import { formatBytes } from '../../core/units.ts';
import type { DiskFacts, Facts, StoreFacts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { broken, judged, kept } from './verdict.ts';

/** A disk that has less than this share left fills up before somebody looks. */
const LOW_SHARE = 0.1;

/** Whether stores answer, and whether disks have room. */
export function judgePlaces({ stores, disks }: Facts, now: Date): readonly PromiseVerdict[] {
  const store = { ids: ['store'], what: 'The stores', runbook: 'runbooks/store-unreachable.md' };
  const disk = { ids: ['disk'], what: 'The disks', runbook: 'runbooks/disk-full.md' };
  return [
    ...judged(stores, store, now, (found) => found.map(judgeStore)),
    ...judged(disks, disk, now, (found) => found.map(judgeDisk)),
  ];
}

function judgeStore({ store, backups, error }: StoreFacts): PromiseVerdict {
  const id = `store.${store}`;
  const runbook = 'runbooks/store-unreachable.md';
  if (error !== null)
    return broken(id, 'structdb doctor', { message: `"${store}" does not answer: ${error}`, runbook });
  const counts = Object.entries(backups).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  const message = `"${store}" answers; ${counts.length === 0 ? 'no backups yet' : `backups: ${counts.join(', ')}`}.`;
  return kept(id, { message, runbook });
}

function judgeDisk({ place, freeBytes, sizeBytes }: DiskFacts): PromiseVerdict {
  const id = `disk.${place.replaceAll(' ', '-')}`;
  const share = sizeBytes === 0 ? 1 : freeBytes / sizeBytes;
  const told = {
    message: `The disk of the ${place} has ${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} free (${Math.floor(share * 100)} %).`,
    measured: { value: freeBytes, limit: Math.round(sizeBytes * LOW_SHARE), unit: 'bytes' },
    runbook: 'runbooks/disk-full.md',
  } as const;
  if (share >= LOW_SHARE) return kept(id, told);
  return broken(id, 'Free space there; what retention would remove: structdb backup prune --dry-run', told);
}
