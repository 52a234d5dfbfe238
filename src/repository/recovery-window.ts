import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../core/lsn.ts';
import type { SearchPlaces } from '../programs/find.ts';
import type { Store } from '../storage/store.ts';
import { type BackupEntry, listBackups, readManifest } from './backups.ts';
import type { ClusterManifest } from './manifest.ts';
import { type BasePoint, type Reach, reachOf } from './reach.ts';
import { findRepositories, openRepository, type Repository } from './repository.ts';
import type { Ancestor } from './timeline.ts';
import { type ArchivedFile, listWal, readArchived, readHistories, type WalListing } from './wal-archive.ts';
import { findWaldump, newestTransaction, type TransactionEnd, type WalReader } from './wal-contents.ts';
import type { WalEndMemory } from './wal-end-memory.ts';
import { segmentName, segmentNumber, segmentNumberAt, startOfSegment } from './wal-names.ts';

/** The span of instants that can be brought back, on one timeline of one cluster. */
export interface RecoveryWindow {
  readonly systemIdentifier: string;
  /** The timeline that replay ends on. */
  readonly timeline: number;
  /** When the oldest of its base backups ended: the first instant that can be reached. ISO, UTC. */
  readonly from: string;
  /** The newest commit that the archive provably holds; what `toSource` says otherwise. ISO, UTC. */
  readonly to: string;
  /**
   * `commit`: read from the WAL. `upload`: the WAL could not be read here (no pg_waldump, no key), and the last segment
   * was stored then, so its commits are older. `backup`: nothing was committed behind the newest base backup.
   */
  readonly toSource: 'commit' | 'upload' | 'backup';
  /** Read from the WAL: replay can tell every instant before it. null where the WAL could not be read, or holds none. */
  readonly newestCommitAt: string | null;
  /** Replay cannot get beyond this byte. */
  readonly endLsn: string;
  /** A hole ends it: this segment is missing although later ones are there. */
  readonly missing: string | null;
  /** Its end comes from what `wal receive` had of an open segment. */
  readonly endsInPartial: boolean;
  /** Labels of the base backups that it can be reached from, oldest first. */
  readonly bases: readonly string[];
}

/** The archive of one cluster, as far as names and histories tell. */
export interface WalView {
  readonly repository: Repository;
  readonly listing: WalListing;
  readonly histories: ReadonlyMap<number, readonly Ancestor[]>;
}

/** A base backup or incremental whose manifest could be read. */
export interface ClusterBackup {
  readonly entry: BackupEntry;
  readonly manifest: ClusterManifest;
}

export interface WindowOptions {
  /** Where pg_waldump is looked for; without it windows end with an upload. */
  readonly places?: SearchPlaces | undefined;
  /** Only this cluster. */
  readonly systemIdentifier?: string | undefined;
}

/**
 * What can be reached, per cluster and timeline, oldest first. Backups whose manifest cannot be read, or whose own WAL is
 * incomplete, count for nothing. Holes end a window, and a later base backup begins another.
 */
export async function recoveryWindows(
  store: Store,
  walStore: Store,
  context: RunContext,
  options: WindowOptions = {},
): Promise<RecoveryWindow[]> {
  const windows: RecoveryWindow[] = [];
  for (const repository of await findRepositories(store)) {
    if (options.systemIdentifier !== undefined && repository.systemIdentifier !== options.systemIdentifier) continue;
    const backups = await listClusterBackups(repository);
    if (backups.length === 0) continue;
    const view = await viewWal(walStore, repository.systemIdentifier);
    windows.push(...(await windowsOf(backups, view, context, options.places)));
  }
  return windows;
}

/** Base backups and incrementals, oldest first; those that cannot be read are left out. */
export async function listClusterBackups(repository: Repository): Promise<ClusterBackup[]> {
  const backups: ClusterBackup[] = [];
  for (const entry of await listBackups(repository)) {
    if (entry.parts.kind === 'dump') continue;
    const manifest = await readManifest(entry).catch(() => undefined);
    if (manifest && manifest.kind !== 'dump') backups.push({ entry, manifest });
  }
  return backups;
}

/** Lists the archive of a cluster and reads its histories. */
export async function viewWal(walStore: Store, systemIdentifier: string): Promise<WalView> {
  const repository = openRepository(walStore, systemIdentifier);
  const listing = await listWal(repository);
  return { repository, listing, histories: await readHistories(repository, listing) };
}

export function basePoint({ label, timeline, startLsn, stopLsn }: ClusterManifest): BasePoint {
  return { label, timeline, startLsn: parseLsn(startLsn) ?? 0n, stopLsn: parseLsn(stopLsn) ?? 0n };
}

/**
 * The first segment between start and stop that neither the backup nor the archive has; undefined when it can become
 * consistent.
 */
export function missingOwnWal(manifest: ClusterManifest, reach: Reach): string | undefined {
  if (manifest.walIncluded) return undefined;
  const { base } = reach;
  const size = manifest.walSegmentBytes;
  const last = segmentNumberAt(base.stopLsn > 0n ? base.stopLsn - 1n : 0n, size);
  for (let number = segmentNumberAt(base.startLsn, size); number <= last; number += 1n) {
    const there = reach.segments.some((name) => segmentNumber(name, size) === number);
    if (!there) return segmentName(base.timeline, number, size);
  }
  return undefined;
}

/** The windows of one cluster, from its backups (oldest first) and its archive. */
export async function windowsOf(
  backups: readonly ClusterBackup[],
  view: WalView,
  context: RunContext,
  places?: SearchPlaces,
  memory?: WalEndMemory,
): Promise<RecoveryWindow[]> {
  const groups = new Map<string, { reach: Reach; members: ClusterBackup[] }>();
  for (const backup of backups) {
    for (const reach of reachesOf(backup.manifest, view)) {
      if (missingOwnWal(backup.manifest, reach) !== undefined) continue;
      // Those that meet the same end are one window. A backup without WAL behind it is a window of its own.
      const key = `${reach.timeline} ${reach.endLsn}`;
      const group = groups.get(key) ?? { reach, members: [] };
      group.members.push(backup);
      groups.set(key, group);
    }
  }
  const windows: RecoveryWindow[] = [];
  for (const { reach, members } of groups.values()) {
    stopIfInterrupted(context);
    windows.push(await windowOf(reach, members, view, context, places, memory));
  }
  return windows.sort((a, b) => (a.from < b.from ? -1 : 1));
}

/** Along the newest timeline, and along the backup's own where that went on by itself. */
function reachesOf(manifest: ClusterManifest, { listing, histories }: WalView): Reach[] {
  const base = basePoint(manifest);
  const newest = reachOf(base, listing, histories, manifest.walSegmentBytes);
  if (newest.timeline === base.timeline) return [newest];
  const own = reachOf(base, listing, histories, manifest.walSegmentBytes, base.timeline);
  const switched = newest.path.find(({ timeline }) => timeline === base.timeline)?.endLsn ?? 0n;
  return own.endLsn > switched + BigInt(manifest.walSegmentBytes) ? [newest, own] : [newest];
}

async function windowOf(
  found: Reach,
  members: readonly ClusterBackup[],
  view: WalView,
  context: RunContext,
  places: SearchPlaces | undefined,
  memory: WalEndMemory | undefined,
): Promise<RecoveryWindow> {
  const { manifest } = members[0]!;
  const newestStop = members
    .map((member) => member.manifest.stoppedAt)
    .sort()
    .at(-1)!;
  const { reach, newest } = await readReach(found, manifest, view, context, places, undefined, memory);
  const end = endOf(reach, newest, view);
  const to = end && end.at.toISOString() > newestStop ? end : undefined;
  return Object.freeze({
    systemIdentifier: manifest.systemIdentifier,
    timeline: reach.timeline,
    from: new Date(manifest.stoppedAt).toISOString(),
    to: to ? to.at.toISOString() : new Date(newestStop).toISOString(),
    toSource: to ? to.source : 'backup',
    newestCommitAt: newest?.commit?.at.toISOString() ?? null,
    endLsn: formatLsn(reach.endLsn),
    missing: reach.missing ?? null,
    endsInPartial: reach.partial !== undefined,
    bases: Object.freeze(members.map(({ entry }) => entry.label)),
  });
}

function endOf(
  reach: Reach,
  newest: NewestTransactions | undefined,
  view: WalView,
): { readonly at: Date; readonly source: 'commit' | 'upload' } | undefined {
  if (newest) return newest.commit && { at: newest.commit.at, source: 'commit' };
  const last = reach.partial ?? view.listing.segments.get(reach.segments.at(-1) ?? '');
  return last && { at: last.modifiedAt, source: 'upload' };
}

/** The newest ends of transactions that replay meets. */
export interface NewestTransactions {
  readonly commit: TransactionEnd | undefined;
  /** Of a commit or a rollback. */
  readonly end: TransactionEnd | undefined;
}

/**
 * Reads the end of a reach. A segment that turns out to be damaged is a gap: the reach ends before it, and `damaged` names
 * it. `newest` is undefined without pg_waldump or the key.
 */
export async function readReach(
  found: Reach,
  manifest: ClusterManifest,
  view: WalView,
  context: RunContext,
  places: SearchPlaces | undefined,
  read: (name: string) => Promise<Buffer> = archivedReader(view, found),
  memory?: WalEndMemory,
): Promise<{ readonly reach: Reach; readonly newest: NewestTransactions | undefined; readonly damaged?: string }> {
  const waldump = places && (await findWaldump(places, manifest.server.major));
  const { sealing } = view.repository.store;
  if (!waldump || (sealing && !sealing.canUnseal)) return { reach: found, newest: undefined };
  const segmentSizeBytes = manifest.walSegmentBytes;
  let damaged: string | undefined;
  const watched = (name: string) =>
    read(name).catch((error: unknown) => {
      if (error instanceof StructdbError && error.code === 'WAL_CORRUPT') damaged = name;
      throw error;
    });
  for (let reach = found; ; ) {
    const last = damaged;
    try {
      const reader = { waldump, segmentSizeBytes, read: watched };
      const newest = await newestOf(reader, reach, manifest.systemIdentifier, memory, context);
      return { reach, newest, ...(last === undefined ? {} : { damaged: last }) };
    } catch (error) {
      if (damaged === undefined || damaged === last) throw error;
      reach = endingBefore(reach, damaged, segmentSizeBytes);
    }
  }
}

/** Reads from the last segment on of which something is remembered: a record may begin in it and end behind it. */
async function newestOf(
  reader: WalReader,
  reach: Reach,
  systemIdentifier: string,
  memory: WalEndMemory | undefined,
  context: RunContext,
): Promise<NewestTransactions> {
  const { segments } = reach;
  const names = walNames(reach);
  const known = memory?.find(systemIdentifier, segments);
  if (known && known.at === names.length - 1) return known.newest;
  const found = await newestTransaction(reader, names.slice(known?.at ?? 0), context);
  const newest = { commit: found.commit ?? known?.newest.commit, end: found.end ?? known?.newest.end };
  memory?.remember(systemIdentifier, segments, newest, reader.segmentSizeBytes);
  return newest;
}

/** The reach as it is when that segment cannot be read. */
export function endingBefore(reach: Reach, segment: string, segmentSizeBytes: number): Reach {
  const at = reach.segments.indexOf(segment);
  const start = startOfSegment(segment, segmentSizeBytes);
  return Object.freeze({
    ...reach,
    segments: at < 0 ? reach.segments : reach.segments.slice(0, at),
    partial: undefined,
    endLsn: latest(start, reach.base.stopLsn),
    missing: segment,
  });
}

function latest(...lsns: readonly Lsn[]): Lsn {
  return [...lsns].sort((a, b) => (a < b ? -1 : 1)).at(-1)!;
}

/** Everything that replay reads, the open segment included. */
export function walNames(reach: Reach): string[] {
  return [...reach.segments, ...(reach.partial ? [reach.partial.name] : [])];
}

/** Reads segments of a reach: whole ones, and at its end what `wal receive` had. */
export function archivedReader({ repository, listing }: WalView, reach: Reach): (name: string) => Promise<Buffer> {
  return (name) => {
    const file: Pick<ArchivedFile, 'name' | 'key'> | undefined =
      listing.segments.get(name) ?? (reach.partial?.name === name ? reach.partial : undefined);
    return readArchived(repository, file ?? { name, key: repository.keys.wal(name.slice(0, 8), `${name}.zst`) });
  };
}
