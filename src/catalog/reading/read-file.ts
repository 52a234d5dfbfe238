import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { codeOf, StructdbError } from '../../core/errors.ts';

/** AISC's whole table is 2 MB; what is far larger is no catalog and would not fit the memory structdb promises. */
const LIMIT = 32 * 1024 * 1024;

export interface FileBytes {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 hex digits. */
  readonly sha256: string;
}

/** @throws FILE_MISSING, FILE_UNREADABLE */
export async function readCatalogFile(file: string, signal: AbortSignal): Promise<FileBytes> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      throw new StructdbError('FILE_UNREADABLE', `${file} is a directory.`, {
        hint: `Name the files in it: structdb catalog import ${file}/*.csv`,
      });
    }
    if (stats.size > LIMIT) {
      throw new StructdbError('CATALOG_UNREADABLE', `${file} has ${stats.size} bytes, too many for a catalog.`, {
        hint: 'A catalog file has at most 32 MiB: split it.',
      });
    }
    const bytes = await handle.readFile({ signal });
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (cause) {
    throw cause instanceof StructdbError || signal.aborted ? cause : unreadable(file, cause);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, cause: unknown): StructdbError {
  if (codeOf(cause) === 'ENOENT') {
    return new StructdbError('FILE_MISSING', `There is no file ${file}.`, {
      cause,
      hint: 'Check the path; without files, the catalogs that ship are imported: structdb catalog import',
    });
  }
  return new StructdbError('FILE_UNREADABLE', `Cannot read ${file}: ${(cause as Error).message}.`, {
    cause,
    hint: 'Check its owner and permissions.',
  });
}
