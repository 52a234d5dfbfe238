import type pg from 'pg';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { parseLsn } from '../core/lsn.ts';
import { identifySystem, withReplication } from '../postgres/base-backup.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import {
  leaseOf,
  listBackups,
  listLeftovers,
  recordVerification,
  removeBackup,
  writeManifest,
} from '../repository/backups.ts';
import { nextLabel } from '../repository/label.ts';
import { withLease } from '../repository/lease.ts';
import type { ClusterManifest } from '../repository/manifest.ts';
import { findPart, readPart } from '../repository/parts.ts';
import { ensureRepository, openRepository, type Repository } from '../repository/repository.ts';
import { ARCHIVE_WAIT_MS, type Archiving, askArchiving, awaitArchived, neededSegments } from './archived-wal.ts';
import { BACKUP_MANIFEST, type Copied, copyCluster } from './base.ts';
import { clusterManifest, type Taken } from './cluster-manifest.ts';
import { readCluster, readSettings, readTablespaceNames, requireBaseBackups } from './cluster-source.ts';
import { storeConfigFiles } from './config-files.ts';
import { chooseParent, lacksSummaries, tellFullInstead } from './increment.ts';
import { readBack, removeUnlisted, warnOfSkew } from './outcome.ts';
import { pruneSeries } from './prune.ts';
import type { BackupResult, RunOptions } from './run.ts';
import { holdWal } from './slot.ts';
import { readPosition, readSource, type Source } from './source.ts';
import { sizeOf } from './verify.ts';

/** What is needed throughout a run. */
interface Work extends RunOptions {
  readonly kind: 'base' | 'incremental';
  readonly repository: Repository;
  readonly archive: Repository;
  readonly source: Source;
  /** A session of its own, open for as long as the run: it holds the WAL and answers questions. */
  readonly client: pg.Client;
  readonly archiving: Archiving;
}

/**
 * Backs the whole cluster up. The manifest is written last, after the WAL from start to stop was seen in the archive and
 * everything was read back; a run that fails or is killed leaves no listed backup, and the next run sweeps its objects.
 * @throws PERMISSION_DENIED, SERVER_UNSUITABLE, ARCHIVE_UNCONFIGURED, LOCKED, WAL_MISSING, DISK_FULL, CONNECTION_LOST, …
 */
export async function runClusterBackup(
  options: RunOptions & { readonly kind: 'base' | 'incremental' },
  context: RunContext,
): Promise<BackupResult> {
  return withClient(options.connection, profiles.backup, context, async (client) => {
    await client.query(
      `select set_config(name, '0', false) from pg_catalog.pg_settings where name = 'idle_session_timeout'`,
    );
    const source = await readSource(client, context.clock.now());
    await requireBaseBackups(client);
    warnOfSkew(source, context);
    const archive = openRepository(options.walStore ?? options.store, source.identity.systemIdentifier);
    const archiving = await askArchiving(client, archive, options.policy.wal.slot);
    judgeArchiving(archiving, options, context);
    const repository = await ensureRepository(options.store, source.identity);
    return withLease(repository, leaseOf({ kind: 'base' }), options.actor, context, async (leased) => {
      for (const kind of ['base', 'incremental'] as const) {
        for (const leftover of await listLeftovers(repository, { kind })) await removeBackup(repository, leftover);
      }
      const work: Work = { ...options, repository, archive, source, client, archiving };
      const made = await (options.kind === 'base' ? backUp(work, undefined, leased) : backUpChanges(work, leased));
      const removed = await pruneSeries({ ...work, wal: archive, series: { kind: made.kind } }, leased);
      return { ...made, removed };
    });
  });
}

/** Where WAL should be archived and is not, a backup would promise what it cannot keep. */
function judgeArchiving(archiving: Archiving, { policy }: RunOptions, context: RunContext): void {
  if (archiving.kind === 'on') return;
  const { why, hint } = archiving;
  if (policy.wal.store !== undefined) {
    throw new StructdbError('ARCHIVE_UNCONFIGURED', `The WAL of this server is not archived: ${why}.`, { hint });
  }
  context.report({
    kind: 'warning',
    message: `This backup restores to its own end and to no later point in time: ${why}.`,
    hint,
  });
}

async function backUpChanges(work: Work, context: RunContext): Promise<BackupResult> {
  const { timeline } = await withReplication(work.connection, context, identifySystem);
  const summarizes = (await readSettings(work.client, ['summarize_wal'])).get('summarize_wal') === 'on';
  const parent = await chooseParent(work.repository, { major: work.source.major, timeline, summarizes });
  if ('link' in parent) {
    try {
      return await backUp(work, parent.link, context);
    } catch (error) {
      if (!lacksSummaries(error)) throw error;
      tellFullInstead({ why: 'the server has not all summaries of the WAL since the last one' }, context);
    }
  } else tellFullInstead(parent, context);
  return backUp(work, undefined, context);
}

type Link = Extract<Awaited<ReturnType<typeof chooseParent>>, { link: unknown }>['link'];

async function backUp(work: Work, parent: Link | undefined, context: RunContext): Promise<BackupResult> {
  const { repository } = work;
  const kind = parent ? ('incremental' as const) : ('base' as const);
  const earlier = (await listBackups(repository)).filter(({ parts }) => parts.kind !== 'dump');
  const at = context.clock.now();
  const label = nextLabel({ at, kind }, earlier.at(-1)?.label);
  const startedMs = context.clock.monotonicMs();
  let publishing = false;
  try {
    const taken = await take(work, parent, label, context);
    const durationMs = Math.round(context.clock.monotonicMs() - startedMs);
    const manifest = clusterManifest({ ...work, ...taken, label, durationMs, parent: parent?.entry.label ?? null });
    await readBack(repository, manifest, work.places, context);
    publishing = true;
    await writeManifest(repository, manifest);
    publishing = false;
    const entry = { repository, label, parts: { at, kind } };
    await recordVerification(entry, { ok: true, problems: [], method: 'read' }, context.clock);
    return resultOf(manifest);
  } catch (error) {
    // A manifest whose answer was lost may still arrive: the next run sees whether it did, and sweeps what is not listed.
    if (!publishing) await removeUnlisted(repository, label);
    throw error;
  }
}

/** Copies the cluster with all that its manifest says, and waits until its WAL is archived. */
async function take(work: Work, parent: Link | undefined, label: string, context: RunContext): Promise<Taken> {
  const { client, connection, repository, archive, archiving } = work;
  const warnings = archiving.kind === 'on' ? [] : [`it restores to its own end only: ${archiving.why}`];
  const warn = (message: string) => {
    warnings.push(message);
    context.report({ kind: 'warning', message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.` });
  };
  const startedAt = (await readPosition(client)).at;
  const facts = await readCluster(client, connection, warn, context);
  const spaceNames = await readTablespaceNames(client);
  const copied = await holdWal(client, context, () => copyCluster({ ...copyOptions(work, parent), label }, context));
  requireTimeline(parent, copied);
  const stoppedAt = (await readPosition(client)).at;
  const config = await storeConfigFiles(client, connection, { repository, label }, warn);
  const needed = neededOf(copied, work);
  if (archiving.kind === 'on') {
    await awaitArchived({ archive, needed, waitMs: work.archiveWaitMs ?? ARCHIVE_WAIT_MS, client }, context);
  }
  return { startedAt, stoppedAt, facts, spaceNames, copied, config, segments: neededSegments(needed), warnings };
}

function copyOptions({ connection, repository, policy, compression }: Work, parent: Link | undefined) {
  const { systemIdentifier } = repository;
  const own = { connection, repository, systemIdentifier, compression: compression ?? policy.compression };
  if (!parent) return own;
  const part = findPart(parent.manifest.parts, BACKUP_MANIFEST)!;
  return { ...own, parentManifest: () => readPart(parent.entry, part) };
}

/** The server may have been promoted between the question and the copy. */
function requireTimeline(parent: Link | undefined, { end }: Copied): void {
  if (!parent || parent.manifest.timeline === end.timeline) return;
  throw new StructdbError(
    'PROGRAM_FAILED',
    `The server was promoted to timeline ${end.timeline} meanwhile: an increment of ${parent.entry.label} cannot be relied on.`,
    { hint: 'Run it again: a full backup is made then.' },
  );
}

function neededOf({ end }: Copied, { source }: Work) {
  return {
    timeline: end.timeline,
    startLsn: parseLsn(end.startLsn)!,
    stopLsn: parseLsn(end.stopLsn)!,
    segmentSizeBytes: source.identity.walSegmentBytes,
  };
}

function resultOf(manifest: ClusterManifest): BackupResult {
  return {
    label: manifest.label,
    kind: manifest.kind,
    parent: manifest.parent,
    database: null,
    tiers: manifest.tiers,
    sizeBytes: sizeOf(manifest),
    plainBytes: manifest.plainBytes,
    rows: null,
    tables: null,
    durationMs: manifest.durationMs,
    store: manifest.store,
    removed: [],
  };
}
