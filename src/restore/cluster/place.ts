import { chown, lstat, mkdir, readdir, readFile, realpath, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { processesIn } from '../../programs/process.ts';
import type { SystemUser } from '../../programs/run.ts';
import type { ClusterManifest } from '../../repository/manifest.ts';
import { parseJson } from '../../repository/repository.ts';
import { isIn, realPlaceOf } from './foreign-ground.ts';
import { makeOwnFolder } from './unpack.ts';

/** A tablespace and where it goes. */
export interface PlacedTablespace {
  readonly oid: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Beside the directory to restore into: same file system, so that the rename at the end is one step. */
export function partialOf(targetDirectory: string): string {
  return `${targetDirectory}.partial`;
}

/** Where restore_command and what it needs are kept: outside the data directory, so that no backup takes it along. */
export function recoveryFolderOf(targetDirectory: string): string {
  return `${targetDirectory}.recovery`;
}

/**
 * The directory to restore into: absent, or empty, with a parent that is there. Returns it without symbolic links in its
 * parent. @throws TARGET_NOT_EMPTY, TARGET_UNSUITABLE, FILE_MISSING
 */
export async function inspectPlace(targetDirectory: string): Promise<string> {
  const parent = await realpath(path.dirname(targetDirectory)).catch((cause: unknown) => {
    throw new StructdbError('FILE_MISSING', `There is no folder ${path.dirname(targetDirectory)}.`, {
      cause,
      hint: 'Make it first; the directory itself is made by the restore.',
    });
  });
  const place = path.join(parent, path.basename(targetDirectory));
  const found = await lstat(place).catch(absent);
  if (!found) return place;
  if (!found.isDirectory()) {
    throw new StructdbError('TARGET_NOT_EMPTY', `${place} is a file or a link, not a directory.`, {
      hint: 'Nothing was touched. Name a directory that does not exist yet.',
    });
  }
  const entries = await readdir(place);
  if (entries.length > 0) throw await notEmpty(place, entries);
  if (found.dev !== (await stat(parent)).dev) {
    throw new StructdbError('TARGET_UNSUITABLE', `${place} is a mount point: a restore could not be renamed to it.`, {
      hint: `Name a directory in it: --target ${path.join(place, 'data')}`,
    });
  }
  return place;
}

async function notEmpty(place: string, entries: readonly string[]): Promise<StructdbError> {
  const pid = (await readFile(path.join(place, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0];
  if (pid && (await processesIn(place)).includes(Number(pid))) {
    return new StructdbError('TARGET_NOT_EMPTY', `A server runs in ${place} (process ${pid}).`, {
      hint: 'Nothing was touched. Name a directory that does not exist yet.',
    });
  }
  const what = entries.includes('PG_VERSION')
    ? 'holds a cluster of PostgreSQL'
    : `is not empty: ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}`;
  return new StructdbError('TARGET_NOT_EMPTY', `${place} ${what}.`, {
    hint: `Nothing was touched. Name another directory, or move it away: mv ${place} ${place}.old`,
  });
}

/**
 * Where each tablespace of the backup goes: as mapped, else its old place.
 * @throws USAGE for a mapping that fits none, TARGET_NOT_EMPTY where a place is occupied
 */
export async function placeTablespaces(
  manifest: ClusterManifest,
  mapping: ReadonlyMap<string, string>,
  place: string,
): Promise<PlacedTablespace[]> {
  const unknown = [...mapping.keys()].filter((from) => !manifest.tablespaces.some(({ location }) => location === from));
  if (unknown.length > 0) {
    const there = manifest.tablespaces.map(({ name, location }) => `${name} at ${location}`).join(', ');
    throw new StructdbError('USAGE', `The backup has no tablespace at ${unknown.join(', ')}.`, {
      hint: there === '' ? 'It has no tablespaces at all.' : `It has: ${there}`,
    });
  }
  const placed: PlacedTablespace[] = [];
  for (const { oid, name, location } of manifest.tablespaces) {
    const to = path.resolve(mapping.get(location) ?? location);
    await requireFreeTablespace({ oid, name, from: location, to }, mapping.has(location), place);
    const clash = placed.find((other) => other.to === to);
    if (clash) throw new StructdbError('USAGE', `The tablespaces ${clash.name} and ${name} would both go to ${to}.`);
    placed.push({ oid, name, from: location, to });
  }
  return placed;
}

/** @throws TARGET_NOT_EMPTY unless the place is empty, absent, or was being filled by a killed restore to `place` */
export async function requireFreeTablespace(
  tablespace: PlacedTablespace,
  mapped: boolean,
  place: string,
): Promise<void> {
  const { name, to, from } = tablespace;
  if (isIn(await realPlaceOf(to), place)) {
    throw new StructdbError('USAGE', `Tablespace ${name} would go to ${to}, inside the data directory.`);
  }
  const entries = await readdir(to).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [] as string[];
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `The place of tablespace ${name}, ${to}, cannot be used: ${messageOf(error)}.`,
    );
  });
  if (entries.length === 0 || (await readMark(to))?.target === place) return;
  throw new StructdbError(
    'TARGET_NOT_EMPTY',
    `The place of tablespace ${name}, ${to}, is not empty${mapped ? '' : ': the server it comes from may still use it'}.`,
    { hint: `Nothing was touched. Name another place: --tablespace-mapping ${from}=<directory>` },
  );
}

/** In a tablespace that is being filled: tells a killed restore's from anybody else's. */
const MARK_FILE = 'structdb-restoring';

interface Mark {
  /** The data directory that it will belong to. */
  readonly target: string;
  /** The folder was made by the restore. */
  readonly made: boolean;
}

/** Makes the place of a tablespace where it is absent, and marks it. */
export async function claimTablespace(to: string, target: string, user: SystemUser | undefined): Promise<void> {
  const made = !(await stat(to).catch(absent));
  await mkdir(path.dirname(to), { recursive: true });
  await makeOwnFolder(to, user);
  if (user) await chown(to, user.uid, user.gid);
  const mark: Mark = { target, made };
  await writeFile(path.join(to, MARK_FILE), `${JSON.stringify(mark)}\n`);
}

/** The tablespace is whole: the mark goes. */
export async function releaseTablespace(to: string): Promise<void> {
  await rm(path.join(to, MARK_FILE), { force: true });
}

/** Empties a place that carries the mark of `target`; any other is left alone. */
export async function clearTablespace(to: string, target: string): Promise<void> {
  const mark = await readMark(to);
  if (mark?.target !== target) return;
  for (const entry of await readdir(to)) {
    if (entry !== MARK_FILE) await rm(path.join(to, entry), { recursive: true });
  }
  await releaseTablespace(to);
  if (mark.made) await rmdir(to);
}

async function readMark(directory: string): Promise<Mark | undefined> {
  const text = await readFile(path.join(directory, MARK_FILE)).catch(() => undefined);
  return text && (parseJson(text) as Mark | undefined);
}

/** What a restore takes on the disk of each place. */
export interface RoomNeeded {
  readonly directory: string;
  readonly bytes: number;
}

/**
 * Looks whether each file system has the room, places on the same one together.
 * @throws DISK_FULL
 */
export async function requireRoom(needs: readonly RoomNeeded[]): Promise<void> {
  const perDevice = new Map<number, { directory: string; bytes: number; available: number }>();
  for (const { directory, bytes } of needs) {
    const existing = await nearestExisting(directory);
    const { dev } = await stat(existing);
    const { bavail, bsize } = await statfs(existing);
    const sum = perDevice.get(dev) ?? { directory: existing, bytes: 0, available: bavail * bsize };
    sum.bytes += bytes;
    perDevice.set(dev, sum);
  }
  for (const { directory, bytes, available } of perDevice.values()) {
    if (bytes <= available) continue;
    throw new StructdbError(
      'DISK_FULL',
      `The restore takes ${formatBytes(bytes)}, and ${directory} has ${formatBytes(available)} left.`,
      { hint: 'Nothing was touched. Free space there, or name another directory.' },
    );
  }
}

async function nearestExisting(directory: string): Promise<string> {
  for (let current = directory; ; current = path.dirname(current)) {
    if ((await stat(current).catch(() => undefined)) || current === path.dirname(current)) return current;
  }
}

function absent(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}
