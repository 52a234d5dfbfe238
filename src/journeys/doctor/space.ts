import { statfs } from 'node:fs/promises';
import { formatBytes } from '../../core/units.ts';
import { temporaryRoot } from '../../programs/own-directory.ts';
import { type Finding, finding, ok } from './finding.ts';

/** A disk that has less than this share left fills up before somebody looks. */
const LOW_SHARE = 0.1;

export interface Place {
  /** Stable: `store-local`, `scratch`. */
  readonly check: string;
  readonly directory: string;
  /** What is going to be put there, in bytes. */
  readonly neededBytes: number;
  readonly forWhat: string;
  /** How to name another place. */
  readonly elsewhere: string;
}

/** Where drills and restores work. */
export function scratchPlace(databaseBytes: number): Place {
  return {
    check: 'scratch',
    directory: temporaryRoot(),
    neededBytes: databaseBytes,
    forWhat: 'a drill of these databases',
    elsewhere: 'STRUCTDB_SCRATCH=<folder>',
  };
}

/** Whether the disk of a place has room for what comes next. */
export async function checkSpace({ check, directory, neededBytes, forWhat, elsewhere }: Place): Promise<Finding> {
  const { bavail, bsize, blocks } = await statfs(directory);
  const freeBytes = bavail * bsize;
  const free = `${directory} has ${formatBytes(freeBytes)} free`;
  if (freeBytes < neededBytes) {
    return finding(
      'problem',
      'space',
      check,
      `${free}; ${forWhat} needs about ${formatBytes(neededBytes)}.`,
      `Free space there, or name another place: ${elsewhere}`,
    );
  }
  if (freeBytes < blocks * bsize * LOW_SHARE) {
    return finding('warning', 'space', check, `${free}, less than a tenth of the disk.`, 'Free space there.');
  }
  return ok('space', check, `${free}, enough for ${forWhat}`);
}
