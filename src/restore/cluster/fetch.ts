import { chown, readdir, readFile, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { interrupted, type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { formatBytes } from '../../core/units.ts';
import { baseProgramEnvironment } from '../../programs/credentials.ts';
import { runProgram, type SystemUser } from '../../programs/run.ts';
import type { ManifestPart } from '../../repository/manifest.ts';
import { plainName, readPart } from '../../repository/parts.ts';
import type { ClusterBackup } from '../../repository/recovery-window.ts';
import { decompressed } from '../../repository/zstd-stream.ts';
import { compareWithManifest, parseBackupManifest } from './backup-manifest.ts';
import type { PlacedTablespace } from './place.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { readTar } from './tar.ts';
import { CONTROL_FILE, makeOwnFolder, Unpacker } from './unpack.ts';

/** What was unpacked and compared. */
export interface Fetched {
  /** Of the contents of global/pg_control, which is written when all else is there. */
  readonly control: Buffer;
  readonly files: number;
  readonly bytes: number;
}

/** How many bytes pass between two reports. */
const REPORT_BYTES = 8 * 1024 * 1024;

/**
 * Unpacks the backup into the partial directory and the places of its tablespaces, each archive compared with its SHA-256
 * while it passes, and what came out with backup_manifest. A chain of incrementals is unpacked beside it and combined.
 */
export async function fetchBackup(plan: ClusterRestorePlan, context: RunContext): Promise<Fetched> {
  const { chain, sizes } = plan;
  const total = chain.reduce((sum, { manifest }) => sum + manifest.plainBytes, 0);
  const meter = progressMeter('restore.fetch', total, context);
  const message = `Fetching and verifying ${formatBytes(sizes.stored)}`;
  if (chain.length === 1) {
    const to = { directory: plan.partialDirectory, tablespaces: plan.tablespaces };
    return asStep(
      context,
      'restore.fetch',
      message,
      () => unpackBackup(chain[0]!, to, plan, meter, context),
      ({ files, bytes }) => `Fetched and verified ${files} files (${formatBytes(bytes)})`,
    );
  }
  const folders = await asStep(context, 'restore.fetch', message, () => unpackChain(plan, meter, context));
  return combine(plan, folders, context);
}

/** Beside the partial directory: what pg_combinebackup reads. */
export function chainFolderOf(plan: Pick<ClusterRestorePlan, 'partialDirectory'>): string {
  return `${plan.partialDirectory}.chain`;
}

interface ChainFolder {
  readonly directory: string;
  readonly tablespaces: readonly PlacedTablespace[];
  readonly fetched: Fetched;
}

async function unpackChain(plan: ClusterRestorePlan, meter: Meter, context: RunContext): Promise<ChainFolder[]> {
  const root = chainFolderOf(plan);
  await makeOwnFolder(root, plan.user);
  const folders: ChainFolder[] = [];
  for (const [index, backup] of plan.chain.entries()) {
    const directory = path.join(root, String(index));
    await makeOwnFolder(directory, plan.user);
    const tablespaces: PlacedTablespace[] = [];
    for (const { oid, name, location } of backup.manifest.tablespaces) {
      const to = path.join(root, `${index}.${oid}`);
      await makeOwnFolder(to, plan.user);
      tablespaces.push({ oid, name, from: location, to });
    }
    const fetched = await unpackBackup(backup, { directory, tablespaces }, plan, meter, context);
    await writeOwn(path.join(directory, CONTROL_FILE), fetched.control, plan.user);
    // Their links are there; it would be taken for one of the result.
    await rm(path.join(directory, 'tablespace_map'), { force: true });
    folders.push({ directory, tablespaces, fetched });
  }
  return folders;
}

/** pg_combinebackup checks that the chain fits together, and makes the result durable. */
async function combine(
  plan: ClusterRestorePlan,
  folders: readonly ChainFolder[],
  context: RunContext,
): Promise<Fetched> {
  const last = folders.at(-1)!;
  const mapping = last.tablespaces.map(({ oid, to }) => {
    const place = plan.tablespaces.find((tablespace) => tablespace.oid === oid)!;
    return `--tablespace-mapping=${escapeMapping(to)}=${escapeMapping(combinedFolder(place))}`;
  });
  await asStep(context, 'restore.combine', `Combining ${folders.length} backups`, () =>
    runProgram(
      plan.combine!,
      [
        ...mapping,
        '--manifest-checksums=CRC32C',
        `--output=${plan.partialDirectory}`,
        ...folders.map(({ directory }) => directory),
      ],
      {
        env: baseProgramEnvironment,
        user: plan.user,
        signal: context.signal,
        doing: `Combining ${folders.length} backups`,
      },
    ),
  );
  for (const tablespace of plan.tablespaces) await liftTablespace(tablespace, plan.partialDirectory);
  await rm(chainFolderOf(plan), { recursive: true, force: true });
  const file = path.join(plan.partialDirectory, CONTROL_FILE);
  const control = await readFile(file);
  await rm(file);
  return { control, files: last.fetched.files, bytes: folders.reduce((sum, { fetched }) => sum + fetched.bytes, 0) };
}

/** pg_combinebackup wants an empty folder, and the place of the tablespace carries its mark. */
function combinedFolder({ to }: PlacedTablespace): string {
  return path.join(to, 'structdb-combined');
}

async function liftTablespace(tablespace: PlacedTablespace, directory: string): Promise<void> {
  const folder = combinedFolder(tablespace);
  for (const entry of await readdir(folder)) await rename(path.join(folder, entry), path.join(tablespace.to, entry));
  await rmdir(folder);
  const link = path.join(directory, 'pg_tblspc', tablespace.oid);
  await rm(link);
  await symlink(tablespace.to, link);
}

/** In a mapping `=` separates old from new. */
function escapeMapping(directory: string): string {
  return directory.replace(/[\\=]/g, '\\$&');
}

interface Places {
  readonly directory: string;
  readonly tablespaces: readonly PlacedTablespace[];
}

async function unpackBackup(
  backup: ClusterBackup,
  { directory, tablespaces }: Places,
  plan: ClusterRestorePlan,
  meter: Meter,
  context: RunContext,
): Promise<Fetched> {
  const { entry, manifest } = backup;
  const separate = manifest.parts.find((part) => plainName(part) === 'backup_manifest');
  if (separate) {
    const bytes = await collect(readPart(entry, separate));
    await writeOwn(path.join(directory, 'backup_manifest'), bytes, plan.user);
  }
  const listed = separate && parseBackupManifest(await readFile(path.join(directory, 'backup_manifest')), entry.label);
  const files = new Map<string, number>();
  const heldBack = new Map<string, Buffer>();
  const shared = { user: plan.user, files, heldBack, onBytes: meter };
  const linkTarget = (oid: string) => tablespaces.find((tablespace) => tablespace.oid === oid)?.to;
  await inParallel(manifest.parts.filter(isArchive), plan.jobs, async (part, signal) => {
    const destination = { ...shared, linkTarget, ...destinationOf(part, directory, tablespaces) };
    await makeOwnFolder(destination.directory, plan.user);
    const unpacker = new Unpacker(destination);
    const what = `${part.name} of backup ${entry.label}`;
    const plain = untilStopped(decompressed(readPart(entry, part), what), AbortSignal.any([signal, context.signal]));
    try {
      await readTar(what, plain, unpacker);
      await unpacker.finish();
    } catch (error) {
      await unpacker.abandon();
      stopIfInterrupted(context);
      throw error;
    }
  });
  // Where the backup was streamed, its manifest is the last file of the archive.
  const own = listed ?? parseBackupManifest(await readFile(path.join(directory, 'backup_manifest')), entry.label);
  compareWithManifest(own, files, entry.label);
  for (const { oid, to } of tablespaces) await ensureLink(path.join(directory, 'pg_tblspc', oid), to);
  const control = heldBack.get(CONTROL_FILE);
  if (!control) throw new StructdbError('BACKUP_CORRUPT', `Backup ${entry.label} has no ${CONTROL_FILE}.`);
  return {
    control,
    files: files.size,
    bytes: [...files.values()].reduce((sum, bytes) => sum + bytes, 0),
  };
}

function isArchive(part: ManifestPart): boolean {
  return plainName(part).endsWith('.tar.zst');
}

function destinationOf(part: ManifestPart, directory: string, tablespaces: readonly PlacedTablespace[]) {
  const name = plainName(part).slice(0, -'.tar.zst'.length);
  if (name === 'base') return { directory, prefix: '' };
  if (name === 'pg_wal') return { directory: path.join(directory, 'pg_wal'), prefix: 'pg_wal/' };
  const tablespace = tablespaces.find(({ oid }) => oid === name);
  if (tablespace) return { directory: tablespace.to, prefix: `pg_tblspc/${name}/` };
  throw new StructdbError('BACKUP_CORRUPT', `${part.name} belongs to no tablespace that the manifest names.`, {
    hint: 'Use another backup: structdb backup list',
  });
}

/** Ends with an error as soon as somebody wants to stop, or another archive failed. */
async function* untilStopped(stream: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    if (signal.aborted) throw interrupted();
    yield piece;
  }
}

/** The archive of the data directory has these links; where the server left them out, tablespace_map makes them. */
async function ensureLink(file: string, target: string): Promise<void> {
  await symlink(target, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Works on all, `jobs` at a time; the first failure stops the others and is thrown when all have ended. */
async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const queue = [...items];
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !failure; item = queue.shift()) {
      await work(item, stop.signal).catch((error: unknown) => {
        failure ??= { error };
        stop.abort();
      });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, items.length)) }, worker));
  if (failure) throw failure.error;
}

type Meter = (bytes: number) => void;

function progressMeter(step: string, total: number, context: RunContext): Meter {
  let done = 0;
  let reported = 0;
  return (bytes) => {
    done += bytes;
    if (done - reported < REPORT_BYTES) return;
    reported = done;
    context.report({ kind: 'progress', step, done, total: Math.max(total, done), unit: 'bytes' });
  };
}

/** A small file of the restored cluster. */
export async function writeOwn(file: string, content: Buffer | string, user: SystemUser | undefined): Promise<void> {
  await writeFile(file, content, { mode: 0o600 });
  if (user) await chown(file, user.uid, user.gid);
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
