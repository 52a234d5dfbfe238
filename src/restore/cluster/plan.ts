import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { findServerPrograms, type ServerPrograms } from '../../postgres/cluster.ts';
import { findProgram, type Program, type SearchPlaces } from '../../programs/find.ts';
import type { SystemUser } from '../../programs/run.ts';
import { reaches, serverUser } from '../../programs/system-user.ts';
import { chainOf } from '../../repository/chain.ts';
import type { Reach } from '../../repository/reach.ts';
import {
  archivedReader,
  type ClusterBackup,
  type RecoveryWindow,
  viewWal,
  type WalView,
  windowsOf,
} from '../../repository/recovery-window.ts';
import { parseHistory } from '../../repository/timeline.ts';
import type { WalListing } from '../../repository/wal-archive.ts';
import { keyMissing, SEALED_SUFFIX } from '../../storage/sealing.ts';
import type { Store } from '../../storage/store.ts';
import { clusterBackups } from './choose.ts';
import { type Estimate, estimateTime } from './estimate.ts';
import { directoriesOf, requireOwnGround } from './foreign-ground.ts';
import type { ClusterRestoreOptions } from './options.ts';
import { inspectPlace, type PlacedTablespace, partialOf, placeTablespaces, requireRoom } from './place.ts';
import { findRoute, type Route } from './reachable.ts';
import { findSalvage, type SalvagedFile, withSalvage } from './salvage.ts';
import type { RecoveryTarget } from './target.ts';

/** A restore that can be done: the target can be reached, every object is there, the place is free, the tools fit. */
export interface ClusterRestorePlan {
  /** The backup and those it builds on, the whole one first: more than one for an incremental. */
  readonly chain: readonly ClusterBackup[];
  readonly backup: ClusterBackup;
  readonly target: RecoveryTarget;
  readonly route: Route;
  readonly reach: Reach;
  readonly walStore: Store;
  readonly wal: WalView;
  /** What can be reached, of this cluster. */
  readonly windows: readonly RecoveryWindow[];
  /** Absolute; made by the rename at the end. */
  readonly targetDirectory: string;
  readonly partialDirectory: string;
  readonly tablespaces: readonly PlacedTablespace[];
  readonly salvaged: readonly SalvagedFile[];
  readonly archiving: 'off' | 'keep';
  readonly programs: ServerPrograms;
  /** Only for a chain. */
  readonly combine: Program | undefined;
  /** Who the restored files belong to; undefined: whoever runs structdb. */
  readonly user: SystemUser | undefined;
  readonly sizes: RestoreSizes;
  readonly estimate: Estimate;
  readonly jobs: number;
  readonly places: SearchPlaces;
}

/** In bytes. */
export interface RestoreSizes {
  /** Of the backup and those it builds on, as stored. */
  readonly stored: number;
  /** What is unpacked, increments and result together. */
  readonly unpacked: number;
  /** Of the restored cluster. */
  readonly result: number;
  /** Of the WAL to replay, uncompressed. */
  readonly wal: number;
}

/** pg_combinebackup came with this major. */
const COMBINE_MAJOR = 17;

/**
 * Decides everything that can be decided before anything is touched. Writes nothing but what pg_waldump reads, in a
 * private folder that is gone afterwards.
 * @throws BACKUP_MISSING, BACKUP_CORRUPT, MANIFEST_UNREADABLE, TARGET_UNREACHABLE, WAL_MISSING, WAL_CORRUPT, WAL_FOREIGN, TARGET_NOT_EMPTY,
 * TARGET_UNSUITABLE, PROGRAM_MISSING, PROGRAM_TOO_OLD, KEY_MISSING, DISK_FULL, USAGE
 */
export async function planClusterRestore(
  options: Readonly<ClusterRestoreOptions>,
  context: RunContext,
): Promise<ClusterRestorePlan> {
  return asStep(
    context,
    'restore.plan',
    'Planning the restore',
    () => plan(options, context),
    ({ backup }) => `Planned the restore of ${backup.entry.label}`,
  );
}

async function plan(options: Readonly<ClusterRestoreOptions>, context: RunContext): Promise<ClusterRestorePlan> {
  const { places, target, store, walStore } = options;
  // The place first: it is looked at in no time, and the most likely mistake.
  const targetDirectory = await inspectPlace(path.resolve(options.targetDirectory));
  const stores = [...directoriesOf([store, walStore]), ...(options.storeDirectories ?? [])];
  await requireOwnGround(targetDirectory, options.targetDirectory, stores);
  const user = await serverUser(places.environment);
  await requireReach(user, path.dirname(targetDirectory));
  const { backups, named } = await clusterBackups(options);
  const { manifest: newest } = (named ?? backups.at(-1))!;
  // Looked for meanwhile; that they are missing is told where they are needed.
  const finding = findServerPrograms(places, { major: newest.server.major });
  finding.catch(() => {});
  const archived = await viewWal(walStore, newest.systemIdentifier);
  const salvaged = options.salvage === undefined ? [] : await salvage(options.salvage, archived.listing, newest);
  const wal = extend(archived, salvaged);
  const readerFor = (reach: Reach) => readerOver(wal, reach, salvaged);
  const route = await findRoute(
    named ? [named] : backups,
    wal,
    { label: options.label, target, timeline: options.timeline, places, readerFor },
    context,
  );
  const { backup, reach } = route;
  const { manifest } = backup;
  const chain = await chainOf(backup.entry);
  await requireStored(chain);
  requireKey(chain, wal, reach);
  const programs =
    manifest.server.major === newest.server.major
      ? await finding
      : await findServerPrograms(places, { major: manifest.server.major });
  const combine = chain.length > 1 ? await findCombine(places, manifest.server.major) : undefined;
  const tablespaces = await placeTablespaces(manifest, options.tablespaces, targetDirectory);
  for (const { name, to } of tablespaces) await requireOwnGround(`The place of tablespace ${name}, ${to},`, to, stores);
  const sizes = sizesOf(chain, reach);
  await requireRoom(roomOf(sizes, backup, targetDirectory, tablespaces));
  return Object.freeze({
    chain,
    backup,
    target,
    route,
    reach,
    walStore,
    wal,
    windows: await windowsOf(backups, archived, context, places),
    targetDirectory,
    partialDirectory: partialOf(targetDirectory),
    tablespaces,
    salvaged,
    archiving: options.archiving ?? 'off',
    programs,
    combine,
    user,
    sizes,
    estimate: await estimateTime(backup.entry.repository, sizes),
    jobs: options.jobs ?? 2,
    places,
  });
}

/** A server that cannot enter its own directory would be told only when it is started. */
async function requireReach(user: SystemUser | undefined, parent: string): Promise<void> {
  if (user === undefined || (await reaches(user, parent))) return;
  throw new StructdbError('TARGET_UNSUITABLE', `The server would run as "${user.name}", who cannot enter ${parent}.`, {
    hint: 'Name a directory that this user reaches, or run structdb as another user than root.',
  });
}

function salvage(directory: string, listing: WalListing, manifest: ClusterBackup['manifest']): Promise<SalvagedFile[]> {
  const { systemIdentifier, walSegmentBytes: segmentSizeBytes } = manifest;
  return findSalvage(path.resolve(directory), listing, { systemIdentifier, segmentSizeBytes });
}

function extend(view: WalView, salvaged: readonly SalvagedFile[]): WalView {
  const histories = new Map(view.histories);
  for (const { name, history } of salvaged) {
    if (history !== undefined) histories.set(Number.parseInt(name, 16), parseHistory(history)!);
  }
  return { repository: view.repository, listing: withSalvage(view.listing, salvaged), histories };
}

function readerOver(view: WalView, reach: Reach, salvaged: readonly SalvagedFile[]): (name: string) => Promise<Buffer> {
  const archived = archivedReader(view, reach);
  return async (name) => {
    const own = salvaged.find((file) => file.name === name);
    if (!own) return archived(name);
    return readFile(own.path);
  };
}

/** @throws BACKUP_CORRUPT naming each missing or cut object; nothing is read */
async function requireStored(chain: readonly ClusterBackup[]): Promise<void> {
  for (const { entry, manifest } of chain) {
    const { store, keys } = entry.repository;
    const problems: string[] = [];
    for (const part of manifest.parts) {
      const found = await store.head(keys.part(entry.label, part.name));
      if (!found) problems.push(`${part.name} is missing`);
      else if (found.sizeBytes !== part.sizeBytes) {
        problems.push(`${part.name} has ${found.sizeBytes} bytes instead of ${part.sizeBytes}`);
      }
    }
    if (problems.length === 0) continue;
    throw new StructdbError('BACKUP_CORRUPT', `Backup ${entry.label} is damaged: ${problems.join('; ')}.`, {
      hint: 'Nothing was touched. Use another backup: structdb backup list',
    });
  }
}

function requireKey(chain: readonly ClusterBackup[], wal: WalView, reach: Reach): void {
  for (const { entry, manifest } of chain) {
    const { store } = entry.repository;
    const sealed = manifest.parts.some(({ name }) => name.endsWith(SEALED_SUFFIX));
    if (sealed && !store.sealing?.canUnseal) throw keyMissing(store.location, store.sealing);
  }
  const { store } = wal.repository;
  const sealed = reach.segments.some((name) => wal.listing.segments.get(name)?.key.endsWith(SEALED_SUFFIX));
  if (sealed && !store.sealing?.canUnseal) throw keyMissing(store.location, store.sealing);
}

async function findCombine(places: SearchPlaces, major: number): Promise<Program> {
  if (major < COMBINE_MAJOR) {
    throw new StructdbError('BACKUP_CORRUPT', `An incremental backup of PostgreSQL ${major} is not possible.`);
  }
  return findProgram('pg_combinebackup', places, { major });
}

function sizesOf(chain: readonly ClusterBackup[], reach: Reach): RestoreSizes {
  const last = chain.at(-1)!.manifest;
  const [whole] = chain;
  const storedOf = ({ manifest }: ClusterBackup) => manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const result = Math.max(...chain.map(({ manifest }) => manifest.plainBytes));
  // An increment's manifest names the size of what it restores to: its own is taken to be compressed as the whole one is.
  const ratio = whole!.manifest.plainBytes / Math.max(1, storedOf(whole!));
  const increments = chain.slice(1).reduce((sum, backup) => sum + storedOf(backup) * ratio, 0);
  return {
    stored: chain.reduce((sum, backup) => sum + storedOf(backup), 0),
    unpacked: chain.length === 1 ? result : Math.round(whole!.manifest.plainBytes + increments) + result,
    result,
    wal: reach.segments.length * last.walSegmentBytes,
  };
}

/** Segments that lie in pg_wal during replay: those of a checkpoint or so, not the whole archive. */
const WAL_ROOM_SEGMENTS = 8;

function roomOf(
  sizes: RestoreSizes,
  { manifest }: ClusterBackup,
  targetDirectory: string,
  tablespaces: readonly PlacedTablespace[],
) {
  const total = manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  // The manifest has no plain size of each tablespace: taken to be as its share of what is stored.
  const shareOf = (oid: string) =>
    (manifest.parts.find(({ name }) => name.startsWith(`${oid}.tar`))?.sizeBytes ?? 0) / Math.max(1, total);
  const elsewhere = tablespaces.map(({ oid, to }) => ({ directory: to, bytes: shareOf(oid) * sizes.result }));
  const rest = sizes.unpacked - elsewhere.reduce((sum, { bytes }) => sum + bytes, 0);
  const wal = WAL_ROOM_SEGMENTS * manifest.walSegmentBytes;
  return [{ directory: targetDirectory, bytes: rest + wal }, ...elsewhere];
}
