import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import { StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import { readJson, readRecord, SERVER_DATABASE, SERVER_HOST, SERVER_ROLE } from './record.ts';

/**
 * The way to a project's private server, from what `dev start` wrote; undefined when the project has none. Light on
 * purpose: every command that connects asks for it, and it starts no program.
 */
export async function readPrivateServer(projectRoot: string): Promise<ConnectionSettings | undefined> {
  const directory = await privateDirectory(projectRoot);
  const record = await readRecord(directory);
  if (!record?.systemIdentifier) return undefined;
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

/** `.structdb`, or the folder that it points to. */
export async function privateDirectory(projectRoot: string): Promise<string> {
  const pointer = path.join(projectRoot, '.structdb');
  const location = (await readJson(path.join(pointer, 'location.json'))) as { directory?: unknown } | undefined;
  return typeof location?.directory === 'string' ? location.directory : pointer;
}
