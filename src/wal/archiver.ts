import type pg from 'pg';
import { codeOf } from '../core/errors.ts';
import { readSlot, readWalServer, type SlotState } from '../postgres/replication-slot.ts';

/** How a server's archiving is, as far as the role may know. */
export interface ArchiverState {
  readonly systemIdentifier: string;
  readonly segmentSizeBytes: number;
  readonly archiveMode: string;
  /** A segment with something in it is closed after so long; 0: only when it is full. */
  readonly archiveTimeoutSeconds: number;
  readonly lastArchived: string | null;
  readonly lastArchivedAt: string | null;
  readonly failedCount: number;
  readonly lastFailed: string | null;
  readonly lastFailedAt: string | null;
  /** The newest attempt failed. */
  readonly failing: boolean;
  /** Files that wait to be archived; null where the role may not look. */
  readonly waiting: number | null;
  /** The segment that is written now; null on a standby. */
  readonly current: string | null;
  /** The slot of `wal receive`; null when there is none. */
  readonly slot: SlotState | null;
}

/** Asks the server. pg_stat_archiver is open to everybody, the folder of waiting files to pg_monitor. */
export async function readArchiver(client: pg.ClientBase, slot: string): Promise<ArchiverState> {
  const server = await readWalServer(client);
  const { rows } = await client.query<{
    mode: string;
    timeout: number;
    archived: string | null;
    archived_at: Date | null;
    failed: string;
    failed_wal: string | null;
    failed_at: Date | null;
    current: string | null;
  }>(
    `select current_setting('archive_mode') as mode,
            (select setting::int from pg_catalog.pg_settings where name = 'archive_timeout') as timeout, last_archived_wal as archived, last_archived_time as archived_at,
            failed_count::text as failed, last_failed_wal as failed_wal, last_failed_time as failed_at,
            case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_lsn()) end as current
       from pg_catalog.pg_stat_archiver`,
  );
  const row = rows[0]!;
  return Object.freeze({
    systemIdentifier: server.systemIdentifier,
    segmentSizeBytes: server.walSegmentBytes,
    archiveMode: row.mode,
    archiveTimeoutSeconds: row.timeout,
    lastArchived: row.archived,
    lastArchivedAt: row.archived_at?.toISOString() ?? null,
    failedCount: Number(row.failed),
    lastFailed: row.failed_wal,
    lastFailedAt: row.failed_at?.toISOString() ?? null,
    failing: row.failed_at !== null && (row.archived_at === null || row.failed_at > row.archived_at),
    waiting: await countWaiting(client),
    current: row.current,
    slot: (await readSlot(client, slot)) ?? null,
  });
}

async function countWaiting(client: pg.ClientBase): Promise<number | null> {
  try {
    const { rows } = await client.query<{ waiting: string }>(
      `select count(*)::text as waiting from pg_catalog.pg_ls_archive_statusdir() where name like '%.ready'`,
    );
    return Number(rows[0]!.waiting);
  } catch (error) {
    if (codeOf(error) === '42501') return null;
    throw error;
  }
}
