import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { type BackupEntry, findBackup, listBackups, readClusterManifest } from '../../repository/backups.ts';
import { recoveryWindows } from '../../repository/recovery-window.ts';
import { findRepositories, type Repository } from '../../repository/repository.ts';
import type { Store } from '../../storage/store.ts';
import type { BaseDrillResult } from '../result.ts';
import { randomInstant } from './random-instant.ts';

export interface Wish {
  /** Where base backups may be; the one with the newest of the cluster is taken. */
  readonly baseStores: readonly Store[];
  /** Where the WAL is; beside the backups by default. */
  readonly walStore?: Store | undefined;
  readonly places: SearchPlaces;
  /** Exactly this backup; otherwise the newest that can be restored. */
  readonly label?: string | undefined;
  /** An instant of the recovery window that nobody chose; the same again with the same seed. */
  readonly randomInstant?: { readonly seed?: number | undefined } | undefined;
}

/** What is drilled. */
export interface ChosenCluster {
  readonly repository: Repository;
  readonly walStore: Store;
  /** To be tried in this order: the newest first. */
  readonly entries: readonly BackupEntry[];
  readonly target: BaseDrillResult['target'];
  /** That of a drawn instant; the newest by default. */
  readonly timeline?: number;
}

/**
 * The cluster of the source where that answered, else the only one that the stores hold base backups of.
 * @throws BACKUP_MISSING, USAGE where there are several, TARGET_UNREACHABLE where no instant can be drawn
 */
export async function chooseCluster(
  wish: Wish,
  systemIdentifier: string | undefined,
  context: RunContext,
): Promise<ChosenCluster> {
  const { repository, entries } =
    wish.label === undefined
      ? await newestOf(wish.baseStores, systemIdentifier)
      : await named(wish.baseStores, wish.label);
  const walStore = wish.walStore ?? repository.store;
  if (!wish.randomInstant) return { repository, walStore, entries, target: { kind: 'latest' } };
  const windows = await recoveryWindows(repository.store, walStore, context, {
    places: wish.places,
    systemIdentifier: repository.systemIdentifier,
  });
  const drawn = randomInstant(windows, wish.randomInstant.seed);
  if (!drawn) {
    throw new StructdbError('TARGET_UNREACHABLE', 'The recovery window is empty: there is no instant to be drawn.', {
      hint: 'See what can be reached: structdb wal status',
    });
  }
  const usable: BackupEntry[] = [];
  for (const entry of entries) {
    if (drawn.window.bases.includes(entry.label) && (await endedBy(entry, drawn.at))) usable.push(entry);
  }
  const target = { kind: 'random', at: drawn.at.toISOString(), seed: drawn.seed } as const;
  const { timeline } = drawn.window;
  return { repository, walStore, entries: usable.length > 0 ? usable : entries, target, timeline };
}

/** A backup is consistent from its end on: one that was still being made then does not lead to that instant. */
async function endedBy(entry: BackupEntry, at: Date): Promise<boolean> {
  if (entry.parts.at > at) return false;
  const { stoppedAt } = await readClusterManifest(entry);
  return Date.parse(stoppedAt) <= at.getTime();
}

/** Whether there is a base backup to drill, of the cluster that is meant. */
export async function hasBaseBackup(stores: readonly Store[], systemIdentifier: string | undefined): Promise<boolean> {
  return (await candidates(stores, systemIdentifier)).length > 0;
}

interface Candidate {
  readonly repository: Repository;
  /** The newest first. */
  readonly entries: readonly BackupEntry[];
}

async function newestOf(stores: readonly Store[], systemIdentifier: string | undefined): Promise<Candidate> {
  const found = await candidates(stores, systemIdentifier);
  const clusters = new Set(found.map(({ repository }) => repository.systemIdentifier));
  if (clusters.size > 1) {
    throw new StructdbError('USAGE', `There are base backups of ${clusters.size} clusters.`, {
      details: found.map(({ repository, entries }) => `${repository.systemIdentifier}: newest ${entries[0]!.label}`),
      hint: 'Name the backup (--label), or the source (--url).',
    });
  }
  const [newest] = [...found].sort((a, b) => (a.entries[0]!.label < b.entries[0]!.label ? 1 : -1));
  if (newest) return newest;
  const where = stores.map(({ location }) => location).join(', ');
  throw new StructdbError(
    'BACKUP_MISSING',
    `There is no base backup${systemIdentifier ? ' of this cluster' : ''} in ${where}.`,
    {
      hint: 'Make one: structdb backup run --kind base   (or drill a dump: structdb dr-test --kind dump)',
    },
  );
}

async function named(stores: readonly Store[], label: string): Promise<Candidate> {
  let missing: unknown;
  for (const store of stores) {
    try {
      const entry = await findBackup(store, label);
      return { repository: entry.repository, entries: [entry] };
    } catch (error) {
      if (!(error instanceof StructdbError) || error.code !== 'BACKUP_MISSING') throw error;
      missing ??= error;
    }
  }
  throw missing;
}

async function candidates(stores: readonly Store[], systemIdentifier: string | undefined): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const store of stores) {
    for (const repository of await findRepositories(store)) {
      if (systemIdentifier !== undefined && repository.systemIdentifier !== systemIdentifier) continue;
      const entries = (await listBackups(repository)).filter(({ parts }) => parts.kind !== 'dump').reverse();
      if (entries.length > 0) found.push({ repository, entries });
    }
  }
  return found;
}
