import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { describeHolder, type LockHolder, withFileLock } from '../../programs/file-lock.ts';
import { syncOne, syncTree } from '../../programs/sync.ts';
import { prepareRecoveryFolder } from './archive-command.ts';
import { configureRecovery } from './configure.ts';
import { chainFolderOf, fetchBackup, writeOwn } from './fetch.ts';
import {
  claimTablespace,
  clearTablespace,
  inspectPlace,
  recoveryFolderOf,
  releaseTablespace,
  requireFreeTablespace,
} from './place.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { CONTROL_FILE, makeOwnFolder } from './unpack.ts';
import { diskFullOr } from './write-behind.ts';

/** How long each part took, in milliseconds. */
export interface ClusterRestorePhases {
  readonly fetchMs: number;
  readonly configureMs: number;
  /** Until all of it was durable. */
  readonly syncMs: number;
}

/** A data directory that is whole, verified and configured for recovery; its server was not started. */
export interface ClusterRestoreResult {
  readonly plan: ClusterRestorePlan;
  readonly dataDirectory: string;
  /** Holds what restore_command needs: of no use once the server was promoted. */
  readonly recoveryDirectory: string;
  readonly files: number;
  readonly bytes: number;
  /** What was put into postgresql.auto.conf. */
  readonly settings: Readonly<Record<string, string>>;
  readonly phases: ClusterRestorePhases;
  readonly durationMs: number;
}

/**
 * Does what was planned: unpacks and verifies the backup in `<target>.partial`, configures recovery, makes it durable, and
 * renames it at the very end. A failed or interrupted restore leaves nothing; a killed one leaves `<target>.partial`, without
 * global/pg_control until all else is verified and durable, which the next restore to that place removes.
 * @throws BACKUP_CORRUPT, OBJECT_MISSING, DISK_FULL, LOCKED, TARGET_NOT_EMPTY, PROGRAM_FAILED, INTERRUPTED
 */
export async function performClusterRestore(
  plan: ClusterRestorePlan,
  context: RunContext,
): Promise<ClusterRestoreResult> {
  const { targetDirectory } = plan;
  const parent = path.dirname(targetDirectory);
  const lock = {
    directory: parent,
    prefix: `.${path.basename(targetDirectory)}.restoring-`,
    command: `restore ${plan.backup.entry.label}`,
    // Long enough for two that began in the same instant to find out who is first.
    waitMs: 500,
    onWait: () => {},
    lockedBy: (holder: LockHolder) =>
      new StructdbError('LOCKED', `${targetDirectory} is being restored by ${describeHolder(holder)}.`, {
        hint: 'Wait for it, or name another directory.',
      }),
    unwritable: (cause: unknown) =>
      new StructdbError('FILE_UNREADABLE', `Cannot write in ${parent}: ${messageOf(cause)}.`, {
        cause,
        hint: 'Name a directory in a folder that this user may write in.',
      }),
  };
  return withFileLock(lock, context, async () => {
    // Between plan and lock somebody may have been here.
    await inspectPlace(targetDirectory);
    for (const tablespace of plan.tablespaces) {
      await requireFreeTablespace(tablespace, tablespace.from !== tablespace.to, targetDirectory);
    }
    await removeLeftovers(plan, context);
    try {
      return await restore(plan, context);
    } catch (error) {
      await removeLeftovers(plan).catch((failure: unknown) =>
        context.report({
          kind: 'warning',
          message: `What was restored so far could not be removed: ${messageOf(failure)}`,
          hint: `The next restore to ${targetDirectory} removes it.`,
        }),
      );
      throw diskFullOr(error, targetDirectory);
    }
  });
}

async function restore(plan: ClusterRestorePlan, context: RunContext): Promise<ClusterRestoreResult> {
  const { partialDirectory, targetDirectory, user, tablespaces } = plan;
  const began = context.clock.monotonicMs();
  const lap = stopwatch(context);
  await makeOwnFolder(partialDirectory, user);
  for (const { to } of tablespaces) await claimTablespace(to, targetDirectory, user);
  const recoveryDirectory = recoveryFolderOf(targetDirectory);
  const [fetching, preparing] = await Promise.allSettled([
    fetchBackup(plan, context),
    prepareRecoveryFolder(plan, recoveryDirectory),
  ]);
  const fetched = resultOf(fetching);
  const command = resultOf(preparing);
  const fetchMs = lap();
  const settings = await asStep(context, 'restore.configure', 'Configuring recovery', () =>
    configureRecovery(plan, command, context),
  );
  const configureMs = lap();
  stopIfInterrupted(context);
  await asStep(context, 'restore.sync', 'Making everything durable', async () => {
    for (const directory of [...tablespaces.map(({ to }) => to), recoveryDirectory, partialDirectory]) {
      await syncTree(directory, context.signal);
    }
    // Last of all: without it no server starts.
    const control = path.join(partialDirectory, CONTROL_FILE);
    await writeOwn(control, fetched.control, user);
    await syncOne(control);
    await syncOne(path.dirname(control));
  });
  stopIfInterrupted(context);
  await asStep(context, 'restore.publish', 'Giving the directory its name', () => publish(plan));
  await asStep(context, 'restore.release', 'Releasing the tablespaces', async () => {
    for (const { to } of tablespaces) await releaseTablespace(to);
  });
  return Object.freeze({
    plan,
    dataDirectory: targetDirectory,
    recoveryDirectory,
    files: fetched.files,
    bytes: fetched.bytes,
    settings,
    phases: { fetchMs, configureMs, syncMs: lap() },
    durationMs: Math.round(context.clock.monotonicMs() - began),
  });
}

/** Both have ended when the first failure is thrown: nothing is written any more while it is cleared away. */
function resultOf<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

async function publish({ partialDirectory, targetDirectory }: ClusterRestorePlan): Promise<void> {
  await rename(partialDirectory, targetDirectory).catch((cause: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(cause) ?? '')) throw cause;
    throw new StructdbError('TARGET_NOT_EMPTY', `Somebody put something into ${targetDirectory} during the restore.`, {
      cause,
      hint: 'Name another directory; nothing of this restore was kept.',
    });
  });
  await syncOne(path.dirname(targetDirectory));
}

/** What a killed or failed restore to this place left. Tablespaces only where their mark says that they are of it. */
async function removeLeftovers(plan: ClusterRestorePlan, context?: RunContext): Promise<void> {
  const { partialDirectory, targetDirectory, tablespaces } = plan;
  const folders = [partialDirectory, chainFolderOf(plan), recoveryFolderOf(targetDirectory)];
  const there = await readdir(partialDirectory).then(
    () => true,
    () => false,
  );
  if (there && context) {
    context.report({ kind: 'notice', message: `Removing what an interrupted restore left (${partialDirectory}).` });
  }
  for (const { to } of tablespaces) await clearTablespace(to, targetDirectory);
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

/** Each call: the milliseconds since the one before. */
function stopwatch(context: RunContext): () => number {
  let last = context.clock.monotonicMs();
  return () => {
    const now = context.clock.monotonicMs();
    const passed = Math.round(now - last);
    last = now;
    return passed;
  };
}
