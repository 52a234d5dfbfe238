import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../core/lsn.ts';
import { asStep } from '../core/progress.ts';
import { formatDuration } from '../core/units.ts';
import type { Repository } from '../repository/repository.ts';
import { findArchived, partialPrefix } from '../repository/wal-archive.ts';
import { segmentName, segmentNumberAt } from '../repository/wal-names.ts';

/** The WAL that a base backup needs to become consistent. */
export interface NeededWal {
  readonly timeline: number;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
  readonly segmentSizeBytes: number;
}

/** Whether the WAL of this server comes into the archive, and if not, why. */
export type Archiving = { readonly kind: 'on' } | { readonly kind: 'off'; readonly why: string; readonly hint: string };

/** How long the archive may stand still while its backup waits for it. */
export const ARCHIVE_WAIT_MS = 120_000;
/** Looked at often at first: a segment takes a moment to archive. A backlog takes longer, and each look costs requests. */
const POLL_MS = { first: 25, most: 2000, growth: 1.5 };

/** The names of the segments from start to stop. The byte at `stopLsn` itself is not needed. */
export function neededSegments({ timeline, startLsn, stopLsn, segmentSizeBytes }: NeededWal): string[] {
  const names: string[] = [];
  const last = segmentNumberAt(stopLsn - 1n, segmentSizeBytes);
  for (let number = segmentNumberAt(startLsn, segmentSizeBytes); number <= last; number += 1n) {
    names.push(segmentName(timeline, number, segmentSizeBytes));
  }
  return names;
}

/**
 * Whether this server's WAL comes into `archive`, as far as can be told before a backup: by an archive_command of structdb,
 * by a receiver that streams now (through `slot`), or because WAL of it is there.
 */
export async function askArchiving(client: pg.ClientBase, archive: Repository, slot: string): Promise<Archiving> {
  const { rows } = await client.query<{
    mode: string;
    command: string;
    library: string;
    standby: boolean;
    receivers: number;
  }>(
    `select current_setting('archive_mode') as mode, current_setting('archive_command') as command,
            current_setting('archive_library', true) as library, pg_is_in_recovery() as standby,
            (select count(*)::int from pg_catalog.pg_replication_slots
              where slot_type = 'physical' and active and slot_name = $1) as receivers`,
    [slot],
  );
  const { mode, command, library, standby, receivers } = rows[0]!;
  const hasWal = (await archive.store.folders(archive.keys.walRoot)).length > 0;
  if (receivers > 0 || (standby && hasWal)) return { kind: 'on' };
  const archives = mode !== 'off' && ((command !== '' && command !== '(disabled)') || Boolean(library));
  if (!archives) {
    const what = mode === 'off' ? 'archive_mode is off' : 'it has no archive_command';
    return {
      kind: 'off',
      why: `${what}, and no wal receive streams from it`,
      hint: 'Archive its WAL (docs/wal.md), or run: structdb wal receive',
    };
  }
  if (hasWal || /wal\.mjs|wal-push\.sh|structdb\S*\s+wal\s+push/.test(command)) return { kind: 'on' };
  return {
    kind: 'off',
    why: 'its archive_command does not bring its WAL to structdb',
    hint: 'Let structdb archive (docs/wal.md): archive_command = \'… wal push "%p"\'',
  };
}

export interface AwaitOptions {
  readonly archive: Repository;
  readonly needed: NeededWal;
  /** Milliseconds without any new segment after which the wait is over. */
  readonly waitMs: number;
  /** A connection that can be asked for the archiver's troubles. */
  readonly client: pg.ClientBase;
}

/**
 * Waits until every segment from start to stop is in the archive; of an open last segment, what `wal receive` has up to
 * the stop position is enough.
 * @throws WAL_MISSING with the first missing segment and what the server's archiver says
 */
export async function awaitArchived(options: AwaitOptions, context: RunContext): Promise<void> {
  const { archive, needed, waitMs } = options;
  const segments = neededSegments(needed);
  const step = 'backup.archive';
  await asStep(context, step, 'Waiting for the WAL of the backup in the archive', async () => {
    let missing: readonly string[] = segments;
    let movedAt = context.clock.monotonicMs();
    let archivedCount = '';
    let pauseMs = POLL_MS.first;
    for (;;) {
      const still = await missingOf(archive, missing, needed);
      const { count, trouble } = await askArchiver(options.client);
      if (still.length < missing.length || count !== archivedCount) movedAt = context.clock.monotonicMs();
      missing = still;
      archivedCount = count;
      if (missing.length === 0) return;
      context.report({
        kind: 'progress',
        step,
        done: segments.length - missing.length,
        total: segments.length,
        unit: 'items',
      });
      if (context.clock.monotonicMs() - movedAt >= waitMs) throw notArchived(options, missing, trouble);
      await sleep(pauseMs, undefined, { signal: context.signal }).catch(() => {
        throw interrupted();
      });
      pauseMs = Math.min(POLL_MS.most, pauseMs * POLL_MS.growth);
    }
  });
}

/** From the first that is missing on: the archive grows in order. */
async function missingOf(archive: Repository, names: readonly string[], needed: NeededWal): Promise<readonly string[]> {
  const last = neededSegments(needed).at(-1);
  for (const [index, name] of names.entries()) {
    if (await findArchived(archive, name)) continue;
    if (name === last && (await partialReaches(archive, name, needed.stopLsn))) continue;
    return names.slice(index);
  }
  return [];
}

async function partialReaches(archive: Repository, segment: string, lsn: Lsn): Promise<boolean> {
  for await (const { key } of archive.store.list(partialPrefix(archive, segment))) {
    const reached = /\.([0-9A-F]{1,8}-[0-9A-F]{1,8})\.zst/.exec(key)?.[1];
    if (reached && (parseLsn(reached.replace('-', '/')) ?? 0n) >= lsn) return true;
  }
  return false;
}

async function askArchiver(
  client: pg.ClientBase,
): Promise<{ readonly count: string; readonly trouble: string | undefined }> {
  const { rows } = await client.query<{
    count: string;
    failed: string;
    file: string | null;
    troubled: boolean;
  }>(
    `select archived_count::text as count, failed_count::text as failed, last_failed_wal as file,
            last_failed_time is not null and (last_archived_time is null or last_failed_time > last_archived_time) as troubled
       from pg_catalog.pg_stat_archiver`,
  );
  const { count, failed, file, troubled } = rows[0]!;
  return { count, trouble: troubled ? `its archive_command failed ${failed} times, last with ${file}` : undefined };
}

function notArchived(
  { archive, needed, waitMs }: AwaitOptions,
  missing: readonly string[],
  trouble: string | undefined,
): StructdbError {
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
  return new StructdbError(
    'WAL_MISSING',
    `The WAL of the backup (up to ${formatLsn(needed.stopLsn)}) did not come into the archive ${archive.store.location}: ${missing[0]}${more} is missing, and nothing came for ${formatDuration(waitMs)}.`,
    {
      details: [...(trouble ? [`The server says: ${trouble}.`] : []), ...missing.slice(0, 20)],
      hint: trouble
        ? "The reason is in the server's log; repair the archiving, then run the backup again. Nothing was listed."
        : 'See what is wrong: structdb wal status. On a standby, let the primary close the segment: select pg_switch_wal()',
    },
  );
}
