import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { reachOf } from '../repository/reach.ts';
import {
  basePoint,
  type ClusterBackup,
  listClusterBackups,
  type RecoveryWindow,
  viewWal,
  type WalView,
  windowsOf,
} from '../repository/recovery-window.ts';
import { findRepositories, openRepository, readIdentity } from '../repository/repository.ts';
import type { WalEndMemory } from '../repository/wal-end-memory.ts';
import { type ArchivedTimeline, archivedTimelines } from '../repository/wal-holes.ts';
import { segmentNumber } from '../repository/wal-names.ts';
import type { Store } from '../storage/store.ts';
import { type ArchiverState, readArchiver } from './archiver.ts';

export interface WalStatusOptions {
  /** Where WAL is kept. */
  readonly walStore: Store;
  /** Where base backups are. */
  readonly stores: readonly Store[];
  /** The server; undefined where it is gone or none is known: the archive tells what it has. */
  readonly connection: ConnectionSettings | undefined;
  readonly slot: string;
  readonly recoveryWindowMs: number;
  /** A development archive is trimmed beyond this; null: it is not. */
  readonly trimLimitBytes: number | null;
  readonly places: SearchPlaces;
  /** Of who looks again and again. */
  readonly memory?: WalEndMemory | undefined;
}

/** A hole that replay from a base backup meets. */
export interface NeededHole {
  /** The first missing segment. */
  readonly segment: string;
  /** The base backup that cannot get beyond it. */
  readonly base: string;
  /** Whether an instant of the recovery window is lost by it. */
  readonly inWindow: boolean;
  /** When the archive went on without it; ISO, UTC. */
  readonly since: string | null;
}

export interface ClusterWalStatus {
  readonly systemIdentifier: string;
  readonly timelines: readonly ArchivedTimeline[];
  /** Uploads of open segments. */
  readonly partials: number;
  /** As stored, whole segments. */
  readonly sizeBytes: number;
  readonly windows: readonly RecoveryWindow[];
  readonly baseBackups: number;
  readonly missing: readonly NeededHole[];
}

export interface WalStatusResult {
  readonly walStore: string;
  readonly clusters: readonly ClusterWalStatus[];
  readonly server: (ArchiverState & { readonly behindSegments: number | null }) | null;
  /** Why the server could not be asked. */
  readonly serverError: string | null;
  readonly trimLimitBytes: number | null;
  /** What is to do, a line each: archiving fails, files wait, the receiver is away. */
  readonly work: readonly string[];
}

/** So many files may wait without a word: one is always about to be archived. */
const USUAL_WAITING = 3;

/** What the archive has, lacks and can bring back, and how the server's archiving goes. Writes nothing. */
export async function walStatus(options: WalStatusOptions, context: RunContext): Promise<WalStatusResult> {
  const { walStore, connection, slot } = options;
  let serverError: string | null = null;
  const archiver =
    connection &&
    (await withClient(connection, profiles.probe, context, (client) => readArchiver(client, slot)).catch(
      (error: unknown) => {
        if (context.signal.aborted) throw error;
        serverError = error instanceof Error ? error.message : String(error);
        return undefined;
      },
    ));
  const clusters: ClusterWalStatus[] = [];
  for (const { systemIdentifier } of await findRepositories(walStore)) {
    clusters.push(await statusOf(systemIdentifier, options, context));
  }
  const server = archiver ? { ...archiver, behindSegments: behind(archiver, clusters) } : null;
  return Object.freeze({
    walStore: walStore.location,
    clusters,
    server,
    serverError,
    trimLimitBytes: options.trimLimitBytes,
    work: server ? workFor(server) : [],
  });
}

async function statusOf(
  systemIdentifier: string,
  { walStore, stores, recoveryWindowMs, places, memory }: WalStatusOptions,
  context: RunContext,
): Promise<ClusterWalStatus> {
  const { walSegmentBytes } = await readIdentity(openRepository(walStore, systemIdentifier));
  const view = await viewWal(walStore, systemIdentifier);
  const backups: ClusterBackup[] = [];
  for (const store of stores) backups.push(...(await listClusterBackups(openRepository(store, systemIdentifier))));
  backups.sort((a, b) => (a.entry.label < b.entry.label ? -1 : 1));
  const timelines = archivedTimelines(view.listing, walSegmentBytes);
  return Object.freeze({
    systemIdentifier,
    timelines,
    partials: view.listing.partials.length,
    sizeBytes: timelines.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    windows: await windowsOf(backups, view, context, places, memory),
    baseBackups: backups.length,
    missing: missingFor(backups, view, timelines, new Date(context.clock.now().getTime() - recoveryWindowMs)),
  });
}

/** The holes that replay meets. The window needs the newest base backup that is older than it, and all later ones. */
function missingFor(
  backups: readonly ClusterBackup[],
  view: WalView,
  timelines: readonly ArchivedTimeline[],
  windowBegins: Date,
): NeededHole[] {
  const firstNeeded = Math.max(
    0,
    backups.findLastIndex(({ manifest }) => new Date(manifest.stoppedAt) <= windowBegins),
  );
  const missing = new Map<string, NeededHole>();
  for (const [index, { entry, manifest }] of backups.entries()) {
    const { missing: segment } = reachOf(basePoint(manifest), view.listing, view.histories, manifest.walSegmentBytes);
    if (segment === undefined) continue;
    const hole = timelines.flatMap(({ holes }) => holes).find(({ first, last }) => first <= segment && segment <= last);
    const since = hole?.since.toISOString() ?? null;
    const inWindow = index >= firstNeeded || missing.get(segment)?.inWindow === true;
    missing.set(segment, { segment, base: entry.label, inWindow, since });
  }
  return [...missing.values()];
}

/** How many segments the server is ahead of the archive; null where that cannot be told. */
function behind(server: ArchiverState, clusters: readonly ClusterWalStatus[]): number | null {
  if (server.current === null) return null;
  const newest = clusters
    .find(({ systemIdentifier }) => systemIdentifier === server.systemIdentifier)
    ?.timelines.at(-1)?.newest;
  if (newest === undefined) return null;
  const size = server.segmentSizeBytes;
  return Math.max(0, Number(segmentNumber(server.current, size) - segmentNumber(newest, size)) - 1);
}

function workFor(server: ArchiverState): string[] {
  const { failing, lastFailed, lastFailedAt, waiting, slot, archiveMode, segmentSizeBytes } = server;
  const work: string[] = [];
  if (failing) work.push(`Archiving fails at ${lastFailed}, last at ${lastFailedAt}: see the server's log.`);
  if (waiting !== null && waiting > USUAL_WAITING) work.push(`${waiting} files wait to be archived.`);
  if (slot && !slot.active && slot.lagBytes > segmentSizeBytes) {
    work.push(`Nobody reads the slot "${slot.name}": start wal receive, or drop it; the server keeps its WAL.`);
  }
  if (slot?.wasLost) work.push(`The server gave up the slot "${slot.name}": WAL may be missing. Start wal receive.`);
  if (archiveMode === 'off' && !slot?.active)
    work.push('WAL goes nowhere: archive_mode is off and nobody receives it.');
  return work;
}
