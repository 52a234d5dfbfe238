import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, StructdbError } from '../core/errors.ts';
import { writeWhole } from '../storage/whole-file.ts';

/** What `server.json` says about a private server: where it is and what made it. No secret is in it. */
export interface ServerRecord {
  readonly format: 1;
  /** Tells this server from a copy of its files. */
  readonly id: string;
  /** The checkout it belongs to, as an absolute path without symbolic links. */
  readonly checkout: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** The folder of the server's programs. */
  readonly programs: string;
  /** `15.18` */
  readonly version: string;
  /** npm's embedded server: no client tools, so no backups. */
  readonly embedded: boolean;
  /** The system user the server runs as; null: whoever runs structdb. */
  readonly systemUser: string | null;
  /** Of the cluster; null until it is initialised. */
  readonly systemIdentifier: string | null;
}

export const SERVER_ROLE = 'structdb';
export const SERVER_DATABASE = 'structdb';
export const SERVER_HOST = '127.0.0.1';

/** The record kept in `directory`; undefined when there is none. @throws FILE_UNREADABLE when it cannot be understood. */
export async function readRecord(directory: string): Promise<ServerRecord | undefined> {
  const file = path.join(directory, 'server.json');
  const value = await readJson(file);
  if (value === undefined) return undefined;
  const record = value as Partial<ServerRecord>;
  if (record.format !== 1 || typeof record.id !== 'string' || typeof record.port !== 'number') {
    throw new StructdbError('FILE_UNREADABLE', `${file} is not the record of a private server.`, {
      hint: 'Run: structdb dev reset --yes   (backups are kept)',
    });
  }
  return Object.freeze(record as ServerRecord);
}

export async function writeRecord(directory: string, record: ServerRecord): Promise<void> {
  await writeWhole(path.join(directory, 'server.json'), `${JSON.stringify(record, null, 2)}\n`, 0o644);
}

/** Parsed JSON of a file; undefined when the file is absent. @throws FILE_UNREADABLE */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw new StructdbError('FILE_UNREADABLE', `Cannot read ${file}.`, {
      cause,
      hint: `Run structdb as the user who started the private server (the owner of ${path.dirname(file)}).`,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StructdbError('FILE_UNREADABLE', `${file} is not JSON.`, {
      cause,
      hint: 'Run: structdb dev reset --yes   (backups are kept)',
    });
  }
}
