import { chmod, chown, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import { StructdbError } from '../core/errors.ts';
import { reaches, type ServerHome } from './home.ts';
import { linkOrCopy } from './programs.ts';
import { writeWhole } from './record.ts';

/** How long one push may take before it fails and PostgreSQL tries again. */
const PUSH_TIMEOUT_MS = 60_000;

/**
 * Writes what archive_command needs where the server's user can read it: `wal.mjs` (the `wal push` program in one
 * file), `archive.json` beside it, and a Node where that user has none in reach. Returns the command.
 */
export async function prepareArchive(
  home: ServerHome,
  cluster: { readonly systemIdentifier: string; readonly segmentSizeBytes: number; readonly major: number },
  dev: Config['dev'],
): Promise<string> {
  const program = path.join(home.archiveDirectory, 'wal.mjs');
  await mkdir(home.archiveDirectory, { recursive: true });
  await chmod(home.archiveDirectory, 0o755);
  await writeWhole(program, await walProgram(), 0o644);
  await writeArchiveSettings(home, cluster, dev);
  await makeStore(home);
  const node = await reachableNode(home);
  // `|| exit 1`: above 125, or death by a signal, PostgreSQL would restart the archiver and count no failure
  // (PostgreSQL manual, "Setting Up WAL Archiving"). That covers a missing or killed Node too.
  const words = [node, program, 'push'].map(quoteForShell).join(' ').replaceAll('%', '%%');
  return `${words} "%p" || exit 1`;
}

/** The server's user archives into the store but may not make it: the directory above is not his. */
async function makeStore(home: ServerHome): Promise<void> {
  const made = await mkdir(home.storeDirectory, { recursive: true, mode: 0o700 });
  if (made !== undefined && home.user) await chown(home.storeDirectory, home.user.uid, home.user.gid);
}

/** Writes `archive.json`: the resolved, frozen part of the configuration that `wal push` reads. */
export async function writeArchiveSettings(
  home: ServerHome,
  cluster: { readonly systemIdentifier: string; readonly segmentSizeBytes: number; readonly major: number },
  dev: Config['dev'],
): Promise<void> {
  const settings = {
    format: 1,
    store: { type: 'directory', path: home.storeDirectory, groupAccess: false },
    ...cluster,
    timeoutMs: PUSH_TIMEOUT_MS,
    trimLimitBytes: dev.walLimit,
  };
  await writeWhole(path.join(home.archiveDirectory, 'archive.json'), `${JSON.stringify(settings, null, 2)}\n`, 0o644);
}

/** The text of the one-file program: built beforehand in the package, built now when running from sources. */
async function walProgram(): Promise<string | Uint8Array> {
  const here = fileURLToPath(import.meta.url);
  // dist/src/devdb/archive.js → dist/entries/wal.mjs
  if (!here.endsWith('.ts')) return readFile(path.join(path.dirname(here), '..', '..', 'entries', 'wal.mjs'));
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: [path.join(path.dirname(here), '..', 'entries', 'wal.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    write: false,
    logLevel: 'silent',
  });
  const [output] = result.outputFiles;
  if (!output) throw new StructdbError('INTERNAL', 'Building the wal push program gave no file.');
  return output.contents;
}

async function reachableNode(home: ServerHome): Promise<string> {
  const running = process.execPath;
  if (home.user === undefined || (await reaches(home.user, running))) return running;
  const copy = path.join(home.archiveDirectory, 'node');
  const [theirs, ours] = await Promise.all([stat(copy).catch(() => undefined), stat(running)]);
  if (theirs && theirs.size === ours.size && theirs.mtimeMs >= ours.mtimeMs) return copy;
  const temporary = `${copy}.new`;
  await rm(temporary, { force: true });
  await linkOrCopy(running, temporary);
  await chmod(temporary, 0o755);
  await rename(temporary, copy);
  return copy;
}

function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
