import { chmod, chown, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { syncTree } from '../../programs/sync.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { makeOwnFolder } from './unpack.ts';

/** Salvaged segments in the recovery folder. */
const SALVAGE = 'salvage';

/** Makes the folder that restore_command works from, with what was salvaged. Returns the command. */
export async function prepareRecoveryFolder(plan: ClusterRestorePlan, directory: string): Promise<string> {
  await mkdir(directory, { mode: 0o755 });
  await chmod(directory, 0o755);
  const fetch = await fetchCommand(plan);
  if (plan.salvaged.length === 0) return fetch;
  const folder = path.join(directory, SALVAGE);
  await makeOwnFolder(folder, plan.user);
  for (const { path: from, name } of plan.salvaged) {
    const to = path.join(folder, name);
    await copyFile(from, to);
    if (plan.user) await chown(to, plan.user.uid, plan.user.gid);
  }
  await syncTree(folder);
  const salvaged = `${quoteForShell(folder)}/"%f"`.replaceAll('%f', '%f');
  return `if [ -f ${salvaged} ]; then cp ${salvaged} "%p"; else ${fetch}; fi`;
}

/** Exit code 1 only where the archive does not have the file: anything else must stop the server, not open it. */
async function fetchCommand({ wal }: ClusterRestorePlan): Promise<string> {
  const { store, keys } = wal.repository;
  const file = `${quoteForShell(path.join(store.location, keys.walRoot))}"$(echo %f | cut -c1-8)/%f.zst"`;
  return `f=${file}; [ -d ${quoteForShell(store.location)} ] || exit 200; [ -f "$f" ] || exit 1; zstd -dqc "$f" > "%p" || exit 200`;
}

function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`.replaceAll('%', '%%');
}
