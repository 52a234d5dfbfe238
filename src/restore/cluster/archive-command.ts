import { chmod, chown, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { StoreConfig } from '../../config/schema.ts';
import { StructdbError } from '../../core/errors.ts';
import type { SystemUser } from '../../programs/run.ts';
import { writeArchiveProgram } from '../../repository/archive-program.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { makeOwnFolder } from './unpack.ts';

/** Salvaged segments in the recovery folder. */
const SALVAGE = 'salvage';
/** The age identity in it: the server's user must read the archive by itself. */
const IDENTITY = 'identity';

/**
 * Makes the folder that restore_command works from: the program of `wal fetch`, what was salvaged, and the key where the
 * archive is encrypted. Returns the command. Durable only when its folder is synced.
 */
export async function prepareRecoveryFolder(plan: ClusterRestorePlan, directory: string): Promise<string> {
  const { user, backup, wal, salvaged } = plan;
  const { manifest } = backup;
  const { settings, sealing } = wal.repository.store;
  if (!settings) throw new StructdbError('INTERNAL', `${wal.repository.store.location} cannot be opened by a server.`);
  const choices = {
    systemIdentifier: manifest.systemIdentifier,
    segmentSizeBytes: manifest.walSegmentBytes,
    major: manifest.server.major,
  };
  await mkdir(directory);
  // Without a key the plan came this far only because nothing that is replayed is encrypted.
  const store = sealing?.canUnseal ? await withReadableKey(settings, path.join(directory, IDENTITY), user) : settings;
  const { restoreCommand } = await writeArchiveProgram(directory, { ...choices, store }, user);
  if (salvaged.length > 0) await copySalvaged(plan, path.join(directory, SALVAGE));
  const command = plan.route.damaged === undefined ? restoreCommand : without(plan.route.damaged, restoreCommand);
  return salvaged.length > 0 ? salvagedFirst(path.join(directory, SALVAGE), command) : command;
}

/** A damaged segment stops replay for good; where everything before it is wanted, it counts as absent. */
function without(segment: string, restoreCommand: string): string {
  return `[ "%f" = ${segment} ] && exit 1; ${restoreCommand}`;
}

async function withReadableKey(
  settings: StoreConfig,
  copy: string,
  user: SystemUser | undefined,
): Promise<StoreConfig> {
  const { encryption } = settings;
  if (encryption?.identityFile === undefined) return settings;
  await copyFor(encryption.identityFile, copy, user);
  return { ...settings, encryption: { ...encryption, identityFile: copy } };
}

async function copySalvaged({ salvaged, user }: ClusterRestorePlan, folder: string): Promise<void> {
  await makeOwnFolder(folder, user);
  for (const { path: from, name } of salvaged) await copyFor(from, path.join(folder, name), user);
}

async function copyFor(from: string, to: string, user: SystemUser | undefined): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
  if (user) await chown(to, user.uid, user.gid);
}

/** What was salvaged is not in the archive as a whole segment: at most a shorter piece of it is, from `wal receive`. */
function salvagedFirst(folder: string, restoreCommand: string): string {
  const file = `'${`${folder}/`.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'"%f"`;
  return `if [ -f ${file} ]; then cp ${file} "%p" || exit 200; exit 0; fi; ${restoreCommand}`;
}
