import { randomBytes } from 'node:crypto';

/** `20261130T021530Z-9f3a`: sorts by time, and two of one second differ. */
export function newResultId(at: Date): string {
  return `${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`;
}
