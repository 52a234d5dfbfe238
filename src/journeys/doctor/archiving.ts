import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { RunContext } from '../../core/context.ts';
import { interrupted } from '../../core/context.ts';
import { codeOf, messageOf } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { formatDuration } from '../../core/units.ts';
import { openRepository, type Repository } from '../../repository/repository.ts';
import { type ArchivedFile, findArchived, readArchived } from '../../repository/wal-archive.ts';
import { parseWalFileName } from '../../repository/wal-names.ts';
import { checkSegment } from '../../repository/wal-segment.ts';
import type { Store } from '../../storage/store.ts';
import { type Finding, finding, ok } from './finding.ts';
import type { ServerFacts } from './server.ts';

/** How long a segment may take from the switch to the archive before the round trip counts as failed. */
const ROUND_TRIP_MS = 30_000;
const POLL_MS = 100;
/** After that many failures PostgreSQL's archiver rests for a minute (src/backend/postmaster/pgarch.c, NUM_ARCHIVE_RETRIES). */
const ARCHIVER_TRIES = 3;

/** Whether WAL leaves the server, and arrives: settings, the archiver's own record, and a segment that is really sent. */
export async function checkArchiving(
  client: pg.Client,
  facts: ServerFacts,
  walStore: Store,
  context: RunContext,
): Promise<Finding[]> {
  const receiving = await isReceived(client);
  const settings = judgeSettings(facts, receiving);
  if (facts.inRecovery || facts.systemIdentifier === null) {
    return [
      ...settings,
      finding(
        'notice',
        'archiving',
        'round-trip',
        'No WAL round trip: this server is a standby, or hides its identity.',
        null,
      ),
    ];
  }
  const sends = facts.settings.archive_mode !== 'off' || receiving;
  if (!sends) return settings;
  const archiver = await judgeArchiver(client);
  const repository = openRepository(walStore, facts.systemIdentifier);
  return [...settings, ...archiver, await roundTrip(client, facts, repository, context)];
}

/** A physical slot that somebody reads: `wal receive` or another receiver. */
async function isReceived(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ active: boolean }>(
    `select exists (select from pg_replication_slots where slot_type = 'physical' and active) as active`,
  );
  return rows[0]!.active;
}

function judgeSettings({ settings }: ServerFacts, receiving: boolean): Finding[] {
  if (settings.wal_level === 'minimal') {
    return [
      finding(
        'problem',
        'archiving',
        'wal-level',
        'wal_level is minimal: neither base backups nor WAL can bring this server back.',
        'ALTER SYSTEM SET wal_level = replica;  then restart the server',
      ),
    ];
  }
  const archives = settings.archive_mode !== 'off';
  if (!archives && !receiving) {
    return [
      finding(
        'warning',
        'archiving',
        'mode',
        'WAL is not archived: a disaster costs everything since the last backup.',
        'ALTER SYSTEM SET archive_mode = on;  set archive_command to what "structdb wal setup" prints (docs/wal.md), restart; or run: structdb wal receive',
      ),
    ];
  }
  const findings = [ok('archiving', 'mode', archives ? 'archive_mode is on' : 'a receiver streams the WAL')];
  if (archives && (settings.archive_command ?? '') === '' && (settings.archive_library ?? '') === '') {
    findings.push(
      finding(
        'problem',
        'archiving',
        'command',
        'archive_mode is on, but archive_command is empty: WAL piles up on the server.',
        'structdb wal setup <folder> prints it: ALTER SYSTEM SET archive_command = …;  SELECT pg_reload_conf();',
      ),
    );
  }
  const timeoutS = Number(settings.archive_timeout ?? '0');
  if (archives && !receiving && (timeoutS === 0 || timeoutS > 300)) {
    findings.push(
      finding(
        'warning',
        'archiving',
        'timeout',
        timeoutS === 0
          ? 'archive_timeout is 0: on a quiet server the last commits may stay out of the archive for hours.'
          : `archive_timeout is ${timeoutS} s: that much can be lost.`,
        "ALTER SYSTEM SET archive_timeout = '60s'; SELECT pg_reload_conf();",
      ),
    );
  }
  return findings;
}

async function judgeArchiver(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{ failed: string | null; at: Date | null; count: number }>(
    `select last_failed_wal as failed, last_failed_time as at, failed_count::int as count from pg_stat_archiver
      where last_failed_time > coalesce(last_archived_time, '-infinity')`,
  );
  const row = rows[0];
  if (!row) return [];
  return [
    finding(
      'problem',
      'archiving',
      'archiver',
      `The archiver fails since ${row.at?.toISOString()}: ${row.failed} (${row.count} failures).`,
      "Read the server's log: each failure is told there with its reason.",
    ),
  ];
}

/** Switches to a new segment and waits until the closed one is in the store; then reads it back. */
async function roundTrip(
  client: pg.Client,
  facts: ServerFacts,
  repository: Repository,
  context: RunContext,
): Promise<Finding> {
  let segment: string;
  try {
    segment = await closeSegment(client);
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    return finding(
      'notice',
      'archiving',
      'round-trip',
      `No WAL round trip: ${facts.role} may not switch the WAL.`,
      `As a superuser: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "${facts.role}"`,
    );
  }
  const began = context.clock.monotonicMs();
  const file = await asStep(
    context,
    'doctor.round-trip',
    `Waiting for ${segment} in ${repository.store.location}`,
    () => arrival(client, repository, segment, context),
  );
  const tookMs = context.clock.monotonicMs() - began;
  if (!file) {
    return finding(
      'problem',
      'archiving',
      'round-trip',
      `WAL segment ${segment} did not arrive in ${repository.store.location} within ${formatDuration(tookMs)}.`,
      "Read the server's log for archive_command, and see: structdb wal status",
    );
  }
  try {
    const content = await readArchived(repository, file);
    const { systemIdentifier, segmentSizeBytes } = facts;
    checkSegment(parseWalFileName(segment), content, { systemIdentifier: systemIdentifier!, segmentSizeBytes });
  } catch (error) {
    return finding('problem', 'archiving', 'round-trip', messageOf(error), 'See: structdb wal verify');
  }
  return ok(
    'archiving',
    'round-trip',
    `WAL segment ${segment} was in ${repository.store.location} after ${formatDuration(tookMs)}, and reads back whole`,
  );
}

/** Writes a little WAL, so that there is something to switch, and returns the name of the segment that holds it. */
async function closeSegment(client: pg.Client): Promise<string> {
  await client.query(`select pg_logical_emit_message(false, 'structdb doctor', 'round trip')`);
  const { rows } = await client.query<{ segment: string }>('select pg_walfile_name(pg_switch_wal()) as segment');
  return rows[0]!.segment;
}

/** undefined when it did not come in time, or when the server's archiver gave up on it for now. */
async function arrival(
  client: pg.Client,
  repository: Repository,
  segment: string,
  context: RunContext,
): Promise<ArchivedFile | undefined> {
  const deadline = context.clock.monotonicMs() + ROUND_TRIP_MS;
  const failuresBefore = await countFailures(client);
  for (;;) {
    const found = await findArchived(repository, segment);
    if (found || context.clock.monotonicMs() > deadline) return found;
    if ((await countFailures(client)) - failuresBefore >= ARCHIVER_TRIES) return undefined;
    if (context.signal.aborted) throw interrupted();
    await wait(POLL_MS);
  }
}

async function countFailures(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>('select failed_count::int as count from pg_stat_archiver');
  return rows[0]!.count;
}
