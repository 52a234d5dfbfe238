import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { StoreConfig } from '../config/schema.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { parseJson } from './repository.ts';

/**
 * What `archive.json` says: the resolved, frozen part of the configuration that archiving and fetching need where the
 * configuration itself is out of reach. Imports no package, because `wal push` starts with it.
 */
export interface ArchiveSettings {
  readonly format: 1;
  /** Paths are absolute. Credentials only where the configuration names them. */
  readonly store: StoreConfig;
  readonly systemIdentifier: string;
  readonly segmentSizeBytes: number;
  readonly major: number;
  /** How long one push or fetch may take. */
  readonly timeoutMs: number;
  /** Beyond this the oldest segments go, while there is no base backup; null keeps everything. */
  readonly trimLimitBytes: number | null;
  /** A private folder of the server's user: what was pushed already, and segments fetched ahead. */
  readonly stateDirectory: string;
  /** How many segments `wal fetch` fetches ahead; 0: none. */
  readonly prefetchSegments: number;
}

/** What must be said; the rest has defaults. */
export type ArchiveChoices = Pick<ArchiveSettings, 'store' | 'systemIdentifier' | 'segmentSizeBytes' | 'major'> &
  Partial<ArchiveSettings>;

/** How long one push or fetch may take before it fails and PostgreSQL tries again. */
const TIMEOUT_MS = 60_000;
/** 128 MiB of segments of the usual size: what pgBackRest fetches ahead too. */
const PREFETCH_SEGMENTS = 8;

/** The settings with every default, for an `archive.json` in `directory`. */
export function archiveSettings(directory: string, choices: ArchiveChoices): ArchiveSettings {
  return Object.freeze({
    format: 1,
    timeoutMs: TIMEOUT_MS,
    trimLimitBytes: null,
    stateDirectory: path.join(directory, 'state'),
    prefetchSegments: PREFETCH_SEGMENTS,
    ...choices,
  });
}

/** Whether somebody else must not read them. */
export function areSecret({ store }: Pick<ArchiveSettings, 'store'>): boolean {
  return store.type === 's3' && store.secretAccessKey !== undefined;
}

/** @throws ARCHIVE_UNCONFIGURED */
export async function readArchiveSettings(file: string): Promise<ArchiveSettings> {
  const text = await readFile(file).catch((cause: unknown) => {
    const why = codeOf(cause) === 'ENOENT' ? 'There is no' : 'Cannot read';
    throw new StructdbError('ARCHIVE_UNCONFIGURED', `${why} ${file}.`, { cause, hint: 'Run: structdb dev start' });
  });
  const found = parseJson(text) as ArchiveSettings | undefined;
  const settings = archiveSettings(path.dirname(file), (found ?? {}) as ArchiveSettings);
  const { store } = settings;
  const understood =
    found?.format === 1 &&
    ((store?.type === 'directory' && path.isAbsolute(String(store.path))) ||
      (store?.type === 's3' && typeof store.bucket === 'string')) &&
    /^\d+$/.test(settings.systemIdentifier ?? '') &&
    [settings.segmentSizeBytes, settings.major, settings.timeoutMs].every(isCount) &&
    Number.isInteger(settings.prefetchSegments) &&
    (settings.trimLimitBytes === null || Number.isInteger(settings.trimLimitBytes));
  if (understood) return settings;
  throw new StructdbError('ARCHIVE_UNCONFIGURED', `${file} cannot be understood.`, {
    hint: 'Write it anew: structdb dev stop, then structdb dev start',
  });
}

/** A file in a queue of segments that were fetched ahead: the queue is on the disk of the server that recovers. */
export const NEAR = 'near';

/** Where segments that were fetched ahead are, in folders of their recoveries. */
export function prefetchDirectory({ stateDirectory }: ArchiveSettings): string {
  return path.join(stateDirectory, 'prefetch');
}

/** Where it is remembered what was pushed: another store or cluster has another folder, so that nothing is mistaken. */
export function pushedDirectory({ stateDirectory, store, systemIdentifier }: ArchiveSettings): string {
  const place = store.type === 'directory' ? store.path : [store.endpoint, store.bucket, store.prefix].join('\n');
  const hash = createHash('sha256').update(`${systemIdentifier}\n${place}`).digest('hex');
  return path.join(stateDirectory, `pushed-${hash.slice(0, 12)}`);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}
