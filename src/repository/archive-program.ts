import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { StructdbError } from '../core/errors.ts';
import { packageRoot } from '../core/tool-version.ts';
import type { SystemUser } from '../programs/run.ts';
import { reaches } from '../programs/system-user.ts';
import { linkOrCopy, writeWhole } from '../storage/whole-file.ts';
import {
  type ArchiveChoices,
  type ArchiveSettings,
  archiveSettings,
  areSecret,
  NEAR,
  prefetchDirectory,
  pushedDirectory,
} from './archive-settings.ts';

/** A directory from which a server archives, and fetches when it recovers. */
export interface ArchiveProgram {
  readonly settings: ArchiveSettings;
  /** For postgresql.conf: exits with 0 or 1, whatever happens. */
  readonly archiveCommand: string;
  /** For postgresql.conf: exits with 1 only when the store says that the file is not there, else with 200. */
  readonly restoreCommand: string;
}

/** The name that the bundled program has in its directory. */
const PROGRAM = 'wal.mjs';
const PUSH_SCRIPT = 'wal-push.sh';
/** Exit code by which `wal fetch` tells the command's shell that the store does not have the file. */
const ABSENT = 93;
/** Parts of an older program that one which runs now may still load. */
const KEEP_OLD_PARTS_MS = 24 * 60 * 60 * 1000;

/**
 * Lays down what archive_command and restore_command need where the server's user reaches it: `wal.mjs` (the program
 * of `wal push` and `wal fetch`, bundled), `archive.json` beside it, a private folder for its state, and a Node where
 * that user has none in reach. The directory itself belongs to whoever runs structdb. `user` undefined: the same user.
 */
export async function writeArchiveProgram(
  directory: string,
  choices: ArchiveChoices,
  user: SystemUser | undefined,
): Promise<ArchiveProgram> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755);
  const settings = await writeArchiveSettings(directory, choices, user);
  await makeState(settings, user);
  // The parts first, whose names change with their content: the program finds them whenever it starts.
  const files = await bundledProgram();
  for (const { name, content } of files) await writeWhole(path.join(directory, name), content, 0o644);
  await removeOldParts(directory, new Set(files.map(({ name }) => name)));
  const node = await reachableNode(directory, user);
  const program = path.join(directory, PROGRAM);
  const script = path.join(directory, PUSH_SCRIPT);
  await writeWhole(script, pushScript(words(node, program), pushedDirectory(settings)), 0o644);
  const fetching = path.join(directory, 'wal-fetch.sh');
  await writeWhole(fetching, fetchScript(words(node, program), prefetchDirectory(settings)), 0o644);
  return Object.freeze({
    settings,
    archiveCommand: archiveCommandIn(directory),
    // 1 ends recovery and opens the database. A Node that finds no program exits with 1 as well, so only a code that
    // nothing else has may become 1; any other is above 125 and stops the server ("Recovering Using a Continuous
    // Archive Backup").
    restoreCommand: `${setting(words('/bin/sh', fetching))} "%f" "%p" "$PPID"; case $? in 0) exit 0;; ${ABSENT}) exit 1;; *) exit 200;; esac`,
  });
}

/**
 * The archive_command of a server whose program is in `directory`. `|| exit 1`: above 125, or death by a signal, PostgreSQL
 * would restart the archiver and count no failure (PostgreSQL manual, "Setting Up WAL Archiving"). That covers a missing or
 * killed Node too.
 */
export function archiveCommandIn(directory: string): string {
  return `${setting(words('/bin/sh', path.join(directory, PUSH_SCRIPT)))} "%p" "%f" || exit 1`;
}

/**
 * What archive_command runs. A segment that was pushed before PostgreSQL asked for it has a second name: the very file, not
 * written to since it was read, needs no Node, nor any other program. Where anything is different, `wal.mjs push` decides.
 */
function pushScript(command: string, pushed: string): string {
  return `#!/bin/sh
# Written by structdb. Arguments: the WAL file, its name. Exit 0 only when the file is durable in the archive.
trap 'exit 1' HUP INT TERM
same=${quoteForShell(pushed)}/$2
tries=0
while [ -e "$same.making" ] && [ $tries -lt 200 ]; do
  sleep 0.01 || break
  tries=$((tries + 1))
done
[ "$1" -ef "$same" ] && [ "$1" -ot "$same.json" ] && exit 0
${command} push "$1" || exit 1
`;
}

/**
 * What restore_command runs. A segment that was fetched ahead for the server that asks is whole, verified and synced: where
 * it lies on the same disk (`near`), a new name for it needs no Node. Elsewhere, or where it is not ready, `wal.mjs
 * fetch` decides.
 */
function fetchScript(command: string, prefetched: string): string {
  return `#!/bin/sh
# Written by structdb. Arguments: the name, where to put it, the process that asks. 0 fetched, ${ABSENT} not there, else trouble.
queue=${quoteForShell(prefetched)}/server-$3
case $2 in
*RECOVERYXLOG)
  tries=0
  while [ -e "$queue/.$1" ] && [ $tries -lt 500 ]; do
    sleep 0.01 || break
    tries=$((tries + 1))
  done
  if [ -f "$queue/$1" ] && [ -e "$queue/${NEAR}" ] && mv -f "$queue/$1" "$2" 2>/dev/null; then
    printf %s "$1" >"$queue/wanted"
    exit 0
  fi
  ;;
esac
exec ${command} fetch --absent ${ABSENT} "$1" "$2"
`;
}

/** Writes `archive.json` anew; only the server's user may read it where it names a secret. */
export async function writeArchiveSettings(
  directory: string,
  choices: ArchiveChoices,
  user: SystemUser | undefined,
): Promise<ArchiveSettings> {
  const settings = archiveSettings(directory, choices);
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const secret = areSecret(settings);
  await writeWhole(path.join(directory, 'archive.json'), text, secret ? 0o600 : 0o644, secret ? user : undefined);
  return settings;
}

interface ProgramFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** How a program of structdb becomes a few files that need no node_modules. */
export const archiveProgramOptions = Object.freeze({
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // The AWS SDK's modules: of its CommonJS nothing can be left out, which cost 100 ms and 8 MiB with each push.
  mainFields: ['module', 'main'],
  logLevel: 'silent',
  // Packages in CommonJS ask for Node's modules with require.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
} satisfies BuildOptions);

/** Builds the program into files, the entry last; what only S3 or encryption needs is in files of its own. */
export async function buildArchiveProgram(): Promise<ProgramFile[]> {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const { build } = await import('esbuild');
  const result = await build({
    ...archiveProgramOptions,
    entryPoints: { wal: path.join(here, '..', 'entries', 'wal.ts') },
    outdir: here,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'wal-[name]-[hash]',
    minify: true,
    write: false,
  });
  return entryLast(
    result.outputFiles.map(({ path: file, contents }) => ({ name: path.basename(file), content: contents })),
  );
}

let built: Promise<ProgramFile[]> | undefined;

/** Built beforehand in the package, built now when running from sources. */
async function bundledProgram(): Promise<ProgramFile[]> {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.ts')) {
    built ??= buildArchiveProgram();
    return built;
  }
  const folder = path.join(packageRoot(), 'dist', 'entries');
  const names = (await readdir(folder)).filter(isPart);
  return entryLast(
    await Promise.all(names.map(async (name) => ({ name, content: await readFile(path.join(folder, name)) }))),
  );
}

function entryLast(files: readonly ProgramFile[]): ProgramFile[] {
  const entry = files.find(({ name }) => name === PROGRAM);
  if (!entry) throw new StructdbError('INTERNAL', 'Building the archive program gave no file.');
  return [...files.filter((file) => file !== entry), entry];
}

function isPart(name: string): boolean {
  return /^wal(-[\w-]+)?\.mjs$/.test(name);
}

async function removeOldParts(directory: string, current: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!isPart(name) || current.has(name)) continue;
    const file = path.join(directory, name);
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs > KEEP_OLD_PARTS_MS) await rm(file, { force: true });
  }
}

async function makeState({ stateDirectory }: ArchiveSettings, user: SystemUser | undefined): Promise<void> {
  const made = await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  if (made !== undefined && user) await chown(stateDirectory, user.uid, user.gid);
}

async function reachableNode(directory: string, user: SystemUser | undefined): Promise<string> {
  const running = process.execPath;
  if (user === undefined || (await reaches(user, running))) return running;
  const copy = path.join(directory, 'node');
  const [theirs, ours] = await Promise.all([stat(copy).catch(() => undefined), stat(running)]);
  if (theirs && theirs.size === ours.size && theirs.mtimeMs >= ours.mtimeMs) return copy;
  const temporary = `${copy}.new`;
  await rm(temporary, { force: true });
  await linkOrCopy(running, temporary);
  await chmod(temporary, 0o755);
  await rename(temporary, copy);
  return copy;
}

function words(...all: string[]): string {
  return all.map(quoteForShell).join(' ');
}

/** PostgreSQL replaces what begins with a percent sign. */
function setting(command: string): string {
  return command.replaceAll('%', '%%');
}

function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
