import { statfs } from 'node:fs/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatBytes, formatCount } from '../../core/units.ts';

/** 2,400 between 10,000 and 40,000 projects, indexes included, and a sixth more for the sorts of a build. */
const BYTES_PER_PROJECT = 2800;
const BYTES_WITHOUT_PROJECTS = 20 * 1024 ** 2;

/** Bytes that databases with so many projects need on the disk, with the log that is written meanwhile. */
export function neededBytes(projects: readonly number[], maxWalBytes: number): number {
  const data = projects.reduce((sum, size) => sum + BYTES_WITHOUT_PROJECTS + size * BYTES_PER_PROJECT, 0);
  return data + Math.min(data, maxWalBytes);
}

/**
 * Refuses before anything is written. Looks at the disk of the database's tablespace, or of the data directory where the
 * server tells it, when the server is on this host: of another host's disk nothing is known, and nothing is said.
 * `projects` of each database that will be there at the same time; `database` is the one that is filled, or of which new
 * ones are copies.
 * @throws DISK_FULL
 */
export async function requireSpace(
  client: pg.ClientBase,
  { host }: Pick<ConnectionSettings, 'host'>,
  { projects, database }: { readonly projects: readonly number[]; readonly database: string },
): Promise<void> {
  if (projects.length === 0) return;
  if (!host.startsWith('/') && !['localhost', '127.0.0.1', '::1'].includes(host)) return;
  const { rows } = await client.query<{ directory: string | null; wal: string }>(
    `select coalesce(nullif(pg_tablespace_location(dattablespace), ''),
                     case when pg_has_role('pg_read_all_settings', 'member') then current_setting('data_directory') end)
              as directory,
            pg_size_bytes(current_setting('max_wal_size'))::text as wal
       from pg_catalog.pg_database where datname = $1`,
    [database],
  );
  const { directory, wal } = rows[0] ?? { directory: null, wal: '0' };
  if (directory === null) return;
  const space = await statfs(directory).catch(() => undefined);
  if (space === undefined) return;
  refuseTooLittle(projects, { freeBytes: space.bavail * space.bsize, maxWalBytes: Number(wal), directory });
}

export function refuseTooLittle(
  projects: readonly number[],
  disk: { readonly freeBytes: number; readonly maxWalBytes: number; readonly directory: string },
): void {
  const needed = neededBytes(projects, disk.maxWalBytes);
  if (disk.freeBytes >= needed) return;
  const free = formatBytes(disk.freeBytes);
  const sizes = projects
    .map(formatCount)
    .join(', ')
    .replace(/, (?=[\d,]+$)/, ' and ');
  const together = projects.length === 1 ? '' : ' at the same time';
  throw new StructdbError(
    'DISK_FULL',
    `${sizes} projects need about ${formatBytes(needed)}${together}, and the disk of ${disk.directory} has ${free} free.`,
    { hint: 'Nothing was written. Choose a smaller --scale, or free space: structdb bench seed --list' },
  );
}
