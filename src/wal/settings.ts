import { readFile } from 'node:fs/promises';
import { codeOf, StructdbError } from '../core/errors.ts';
import { parseJson } from '../repository/repository.ts';

/** What `archive.json` says: the resolved part of the configuration that archiving needs, frozen by `dev start`. */
export interface ArchiveSettings {
  readonly format: 1;
  readonly store: { readonly type: 'directory'; readonly path: string; readonly groupAccess: boolean };
  readonly systemIdentifier: string;
  readonly segmentSizeBytes: number;
  readonly major: number;
  /** How long one push may take. */
  readonly timeoutMs: number;
  /** Beyond this the oldest segments go, while there is no base backup; null keeps everything. */
  readonly trimLimitBytes: number | null;
}

/** @throws ARCHIVE_UNCONFIGURED */
export async function readArchiveSettings(file: string): Promise<ArchiveSettings> {
  const text = await readFile(file).catch((cause: unknown) => {
    const why = codeOf(cause) === 'ENOENT' ? 'There is no' : 'Cannot read';
    throw new StructdbError('ARCHIVE_UNCONFIGURED', `${why} ${file}.`, { cause, hint: 'Run: structdb dev start' });
  });
  const found = parseJson(text) as Partial<ArchiveSettings> | undefined;
  const { store } = found ?? {};
  const understood =
    found?.format === 1 &&
    store?.type === 'directory' &&
    typeof store.path === 'string' &&
    /^\d+$/.test(found.systemIdentifier ?? '') &&
    [found.segmentSizeBytes, found.major, found.timeoutMs].every((value) => Number.isInteger(value) && value! > 0) &&
    (found.trimLimitBytes === null || Number.isInteger(found.trimLimitBytes));
  if (understood) return Object.freeze(found as ArchiveSettings);
  throw new StructdbError('ARCHIVE_UNCONFIGURED', `${file} cannot be understood.`, {
    hint: 'Write it anew: structdb dev stop, then structdb dev start',
  });
}
