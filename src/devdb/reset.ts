import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { exists } from '../config/project.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { listBackups } from '../repository/backups.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import { measureWalArchive } from '../repository/wal-archive.ts';
import { locateHome, type ServerHome } from './home.ts';
import { withServerLock } from './lock.ts';
import { endServer } from './stop.ts';
import { openOwnStore } from './store.ts';

export interface ResetOptions {
  readonly projectRoot: string;
  readonly places: SearchPlaces;
  /** Removes the backups too. */
  readonly withBackups: boolean;
}

/** What a reset removes; nothing when there is no private server. */
export interface ResetPlan {
  readonly cluster: string | null;
  readonly walSegments: number;
  readonly walBytes: number;
  /** Backups that go; those that stay are in `backupsKept`. */
  readonly backupsRemoved: number;
  readonly backupsKept: number;
}

export type ResetResult = ResetPlan & { readonly removed: boolean };

/** Says what `resetPrivateServer` would remove. Changes nothing. */
export async function planReset(options: ResetOptions): Promise<ResetPlan> {
  const home = await locateHome(options.projectRoot, options.places.environment);
  let [walSegments, walBytes, backups] = [0, 0, 0];
  for (const { repository, backupCount, walIsNeeded } of await repositoriesOf(home, options)) {
    backups += backupCount;
    if (walIsNeeded && !options.withBackups) continue;
    const { segments, sizeBytes } = await measureWalArchive(repository);
    walSegments += segments;
    walBytes += sizeBytes;
  }
  return Object.freeze({
    cluster: home.record || (await exists(home.dataDirectory)) ? home.dataDirectory : null,
    walSegments,
    walBytes,
    backupsRemoved: options.withBackups ? backups : 0,
    backupsKept: options.withBackups ? 0 : backups,
  });
}

/**
 * Removes the private server with its data and its WAL; backups stay unless told otherwise. What is empty afterwards
 * goes too. Of a copied checkout it removes the copy only.
 * @throws LOCKED, DATA_DIRECTORY_OWNER
 */
export async function resetPrivateServer(options: ResetOptions, context: RunContext): Promise<ResetResult> {
  const home = await locateHome(options.projectRoot, options.places.environment);
  const plan = await planReset(options);
  if (!(await exists(home.directory))) return { ...plan, removed: false };
  await withServerLock(home.directory, 'dev reset', context, async () => {
    await endServer(home, options.places, 'immediate', context);
    await asStep(context, 'dev.reset', `Removing ${home.dataDirectory}`, async () => {
      await removeKept(home, options);
      // The record goes last: a reset that is killed is finished by the next one.
      const rest = ['data', 'archive', 'programs', 'programs.unfinished', 'password', 'server.log', 'server.log.old'];
      for (const name of [...rest, 'server.json']) {
        await rm(path.join(home.directory, name), { recursive: true, force: true });
      }
    });
  });
  await removeIfEmpty(home.storeDirectory);
  const gone = await removeIfEmpty(home.directory);
  if (gone && home.directory !== home.pointer) {
    await rm(path.join(home.pointer, 'location.json'), { force: true });
    await removeIfEmpty(home.pointer);
    await removeIfEmpty(path.dirname(home.directory));
  }
  return { ...plan, removed: true };
}

async function removeKept(home: ServerHome, options: ResetOptions): Promise<void> {
  for (const { repository, backupCount, walIsNeeded } of await repositoriesOf(home, options)) {
    const root = path.join(home.storeDirectory, repository.keys.root);
    if (options.withBackups || backupCount === 0) await rm(root, { recursive: true, force: true });
    else if (!walIsNeeded)
      await rm(path.join(home.storeDirectory, repository.keys.walRoot), { recursive: true, force: true });
  }
}

async function repositoriesOf(
  home: ServerHome,
  options: ResetOptions,
): Promise<{ repository: Repository; backupCount: number; walIsNeeded: boolean }[]> {
  const found = [];
  for (const repository of await findRepositories(openOwnStore(home, options.places.environment))) {
    const entries = await listBackups(repository);
    const walIsNeeded = entries.some(({ parts }) => parts.kind !== 'dump');
    found.push({ repository, backupCount: entries.length, walIsNeeded });
  }
  return found;
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}
