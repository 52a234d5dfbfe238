import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import { StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import { readJson, readRecord, SERVER_DATABASE, SERVER_HOST, SERVER_ROLE } from './record.ts';

/**
 * The way to a project's private server, from what `dev start` wrote; undefined when the project has none. Light on
 * purpose: every command that connects asks for it, and it starts no program.
 * @throws PRIVATE_SERVER_COPIED, FILE_UNREADABLE
 */
export async function readPrivateServer(projectRoot: string): Promise<ConnectionSettings | undefined> {
  const pointer = path.join(projectRoot, '.structdb');
  const pointedTo = await readLocation(pointer);
  const directory = pointedTo ?? pointer;
  const record = await readRecord(directory);
  if (!record?.systemIdentifier) return undefined;
  // What a copy of a checkout is told to do must not be done to the original's data.
  if (record.checkout !== (await realpath(projectRoot)) && (await livesAt(record.checkout, record.id))) {
    if (pointedTo !== undefined) return undefined;
    throw copied(pointer, record.checkout);
  }
  const file = path.join(directory, 'password');
  const password = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new StructdbError('FILE_UNREADABLE', `Cannot read the password of the private server: ${file}.`, {
      cause,
      hint: 'Run structdb as the user who started the private server.',
    });
  });
  rememberSecret(password.trim());
  return Object.freeze({
    host: SERVER_HOST,
    port: record.port,
    database: SERVER_DATABASE,
    user: SERVER_ROLE,
    password: password.trim(),
    tls: { mode: 'disable' as const },
    connectTimeoutMs: 10_000,
    source: 'the private server',
  });
}

/** Where private servers live whose system user cannot reach their checkout. */
export const ELSEWHERE = '/var/lib/structdb';

/** `.structdb`, or the folder that it points to. */
export async function privateDirectory(projectRoot: string): Promise<string> {
  const pointer = path.join(projectRoot, '.structdb');
  return (await readLocation(pointer)) ?? pointer;
}

/** Where `.structdb` points to; undefined when it is the place itself. */
export async function readLocation(pointer: string): Promise<string | undefined> {
  const value = (await readJson(path.join(pointer, 'location.json'))) as { directory?: unknown } | undefined;
  // Only what structdb itself would have written: a pointer must not send root to any other place.
  return typeof value?.directory === 'string' && path.dirname(value.directory) === ELSEWHERE
    ? value.directory
    : undefined;
}

/** Whether the server with this id is kept in that checkout. */
export async function livesAt(checkout: string, id: string): Promise<boolean> {
  const pointer = path.join(checkout, '.structdb');
  const directory = (await readLocation(pointer).catch(() => undefined)) ?? pointer;
  return (await readRecord(directory).catch(() => undefined))?.id === id;
}

/** The refusal to use what was copied from another checkout, which is still there. */
export function copied(pointer: string, original: string): StructdbError {
  return new StructdbError(
    'PRIVATE_SERVER_COPIED',
    `${pointer} was copied from ${original}, whose server it belongs to; a copied cluster is not used.`,
    { hint: 'Run: structdb dev reset --yes   (removes this copy only), then: structdb dev start' },
  );
}
