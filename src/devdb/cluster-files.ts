import { lstat, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, StructdbError } from '../core/errors.ts';

/** The major version of an initialised data directory (its file PG_VERSION); undefined when there is none. */
export async function readMajor(dataDirectory: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(path.join(dataDirectory, 'PG_VERSION'), 'utf8'), 10);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw foreignDataDirectory(dataDirectory, cause);
  }
}

/**
 * The system identifier of a data directory, as decimal digits: the first field of global/pg_control, a 64-bit number
 * in the machine's byte order (PostgreSQL source, src/include/catalog/pg_control.h). Needs no running server.
 */
export async function readSystemIdentifier(dataDirectory: string): Promise<string> {
  const handle = await open(path.join(dataDirectory, 'global', 'pg_control'), 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    if (bytesRead < 8) throw new StructdbError('SERVER_START_FAILED', `${dataDirectory} has an empty pg_control.`);
    return new BigUint64Array(buffer.buffer, buffer.byteOffset, 1)[0]!.toString();
  } finally {
    await handle.close();
  }
}

/** A data directory must belong to the user id that the server runs under. @throws DATA_DIRECTORY_OWNER */
export async function requireOwner(dataDirectory: string, serverUid: number | undefined): Promise<void> {
  const { uid } = await lstat(dataDirectory);
  if (serverUid === undefined || uid === serverUid) return;
  throw new StructdbError(
    'DATA_DIRECTORY_OWNER',
    `The data directory ${dataDirectory} belongs to user id ${uid}; the server would run as user id ${serverUid}.`,
    { hint: `Run structdb as its owner, or give it back: chown -R ${serverUid} ${dataDirectory}` },
  );
}

/** The data directory cannot be read by whoever runs structdb. */
export function foreignDataDirectory(dataDirectory: string, cause?: unknown): StructdbError {
  return new StructdbError('DATA_DIRECTORY_OWNER', `The data directory ${dataDirectory} belongs to another user.`, {
    cause,
    hint: 'Run structdb as the user who started the private server.',
  });
}
