import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../config/environment.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import type { SystemUser } from '../programs/run.ts';
import { reaches, serverUser, systemUser } from '../programs/system-user.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { copied, ELSEWHERE, livesAt, readLocation } from './address.ts';
import { readRecord, type ServerRecord } from './record.ts';

/**
 * The place of one checkout's private server. The directory belongs to whoever runs structdb; in it, `data`, `store`
 * and `server.log` belong to the server's user, so that structdb run as root never writes where another user could
 * have left a symbolic link.
 */
export interface ServerHome {
  /** The checkout, without symbolic links. */
  readonly checkout: string;
  /** `<checkout>/.structdb` */
  readonly pointer: string;
  /** Where everything is: `pointer` itself, or a private directory elsewhere. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly storeDirectory: string;
  readonly archiveDirectory: string;
  readonly logFile: string;
  readonly passwordFile: string;
  /** The system user of the server; undefined: whoever runs structdb. */
  readonly user: SystemUser | undefined;
  /** The user id that the server runs under; undefined where the platform has none. */
  readonly serverUid: number | undefined;
  readonly record: ServerRecord | undefined;
  /** The checkout from which `.structdb` was copied and which still has its server: nothing of it is touched. */
  readonly copiedFrom: string | undefined;
}

/** Finds the private server of a checkout and creates nothing. @throws FILE_UNREADABLE */
export async function locateHome(projectRoot: string, environment: Environment): Promise<ServerHome> {
  const checkout = await realpath(projectRoot);
  const pointer = path.join(checkout, '.structdb');
  const pointedTo = await readLocation(pointer);
  const foreign = pointedTo === undefined ? undefined : await ownerElsewhere(pointedTo, checkout);
  const inPlace = await readRecord(pointer);
  const fresh = pointedTo === undefined || foreign !== undefined;
  const user = await serverUser(environment);
  const directory = !fresh
    ? pointedTo
    : inPlace === undefined && user !== undefined && !(await reaches(user, checkout))
      ? elsewhere(checkout)
      : pointer;
  const record = await readRecord(directory);
  return describeHome({ checkout, pointer, directory, record, environment, user });
}

async function describeHome(found: {
  checkout: string;
  pointer: string;
  directory: string;
  record: ServerRecord | undefined;
  environment: Environment;
  user: SystemUser | undefined;
}): Promise<ServerHome> {
  const { checkout, pointer, directory, record } = found;
  const copiedFrom =
    record && record.checkout !== checkout && (await livesAt(record.checkout, record.id)) ? record.checkout : undefined;
  // A cluster keeps its user: root must not start as postgres what was initialised as nobody.
  const recorded = found.user && record?.systemUser ? await systemUser(record.systemUser) : undefined;
  return Object.freeze({
    checkout,
    pointer,
    directory,
    dataDirectory: path.join(directory, 'data'),
    storeDirectory: path.join(directory, 'store'),
    archiveDirectory: path.join(directory, 'archive'),
    logFile: path.join(directory, 'server.log'),
    passwordFile: path.join(directory, 'password'),
    user: recorded ?? found.user,
    serverUid: (recorded ?? found.user)?.uid ?? found.environment.uid,
    record,
    copiedFrom,
  });
}

/** Creates the directory of a located home, and the pointer to it. @throws DATA_DIRECTORY_OWNER, PRIVATE_SERVER_COPIED */
export async function ensureHome(home: ServerHome, environment: Environment): Promise<void> {
  refuseCopy(home);
  const isElsewhere = home.directory !== home.pointer;
  await makeOwn(home.pointer, environment, home.user ? 0o755 : 0o700);
  if (!isElsewhere) return;
  await makeOwn(path.dirname(home.directory), environment, 0o755);
  await makeOwn(home.directory, environment, 0o755);
  await writeWhole(
    path.join(home.pointer, 'location.json'),
    `${JSON.stringify({ directory: home.directory })}\n`,
    0o644,
  );
}

/** Refuses to work on the files of a copied checkout while the original is there. */
export function refuseCopy(home: ServerHome): void {
  if (home.copiedFrom !== undefined) throw copied(home.pointer, home.copiedFrom);
}

/** A directory that this user owns, made when absent. A symbolic link or somebody else's directory is refused. */
async function makeOwn(directory: string, environment: Environment, mode: number): Promise<void> {
  try {
    await mkdir(directory, { mode });
    await chmod(directory, mode);
    return;
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') {
      throw new StructdbError('FILE_UNREADABLE', `Cannot create ${directory}.`, {
        cause,
        hint: `Check the owner and the permissions of ${path.dirname(directory)}.`,
      });
    }
  }
  const found = await lstat(directory);
  if (!found.isDirectory() || (environment.uid !== undefined && found.uid !== environment.uid)) {
    throw new StructdbError('DATA_DIRECTORY_OWNER', `${directory} belongs to somebody else (user id ${found.uid}).`, {
      hint: 'Run structdb as its owner, or move it away.',
    });
  }
  if ((found.mode & 0o777) !== mode) await chmod(directory, mode);
}

/** The other checkout that a private directory belongs to, when that one still points to it. */
async function ownerElsewhere(directory: string, checkout: string): Promise<string | undefined> {
  const record = await readRecord(directory);
  if (record === undefined || record.checkout === checkout) return undefined;
  return (await readLocation(path.join(record.checkout, '.structdb')).catch(() => undefined)) === directory
    ? record.checkout
    : undefined;
}

function elsewhere(checkout: string): string {
  const hash = createHash('sha256').update(checkout).digest('hex').slice(0, 12);
  const name =
    path
      .basename(checkout)
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 40) || 'checkout';
  return path.join(ELSEWHERE, `${name}-${hash}`);
}
