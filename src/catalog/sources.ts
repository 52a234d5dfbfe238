import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type CatalogSource, nameOfSource } from './reading/source.ts';

const EXTENSIONS = ['.csv', '.tsv', '.txt', '.xlsx', '.xlsm', '.gz'];
const PAPERS = /^(readme|licen[cs]e|notice|changelog|copying)\b/i;

/**
 * The files that the sources stand for: a directory for the catalogs in it, sorted by name, without those of its
 * directories. What is left out is told, with the reason.
 * @throws FILE_MISSING for a directory without catalogs
 */
export async function filesOf(
  sources: readonly CatalogSource[],
  context: Pick<RunContext, 'report'>,
): Promise<CatalogSource[]> {
  const files: CatalogSource[] = [];
  for (const source of sources) {
    if (typeof source === 'string' && (await isDirectory(source))) files.push(...(await catalogsIn(source, context)));
    else files.push(source);
  }
  return withoutRepeated(files, context);
}

/** What is missing is told by whoever opens it. */
async function isDirectory(file: string): Promise<boolean> {
  return stat(file).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function catalogsIn(directory: string, context: Pick<RunContext, 'report'>): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new StructdbError('FILE_UNREADABLE', `Cannot read the directory ${directory}: ${(cause as Error).message}.`, {
      cause,
      hint: 'Check its owner and permissions.',
    });
  });
  const skipped: string[] = [];
  const files: string[] = [];
  for (const { name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(directory, name);
    // A link counts as what it points to.
    const reason = (await isDirectory(file)) ? 'a directory' : reasonToSkip(name);
    if (reason === undefined) files.push(file);
    else skipped.push(`${name} (${reason})`);
  }
  if (skipped.length > 0) {
    context.report({ kind: 'notice', message: `Skipped in ${directory}: ${skipped.join(', ')}.` });
  }
  if (files.length > 0) return files;
  throw new StructdbError('FILE_MISSING', `There is no catalog in the directory ${directory}.`, {
    hint: `Catalogs are the files in it that end in ${EXTENSIONS.join(', ')}.`,
  });
}

function reasonToSkip(name: string): string | undefined {
  if (name.startsWith('.') || name.startsWith('~$')) return 'hidden';
  if (PAPERS.test(name)) return 'not a table';
  return EXTENSIONS.includes(path.extname(name).toLowerCase()) ? undefined : 'not the ending of a catalog';
}

/** A directory and a file in it, or two names of one file: it is read once. */
async function withoutRepeated(
  sources: readonly CatalogSource[],
  context: Pick<RunContext, 'report'>,
): Promise<CatalogSource[]> {
  const first = new Map<unknown, CatalogSource>();
  for (const source of sources) {
    const identity = typeof source === 'string' ? await realpath(source).catch(() => source) : source;
    const known = first.get(identity);
    if (known === undefined) first.set(identity, source);
    else {
      const name = nameOfSource(source);
      const again = name === nameOfSource(known) ? '' : ` (as ${nameOfSource(known)})`;
      context.report({ kind: 'notice', message: `${name} is named twice${again}; it is imported once.` });
    }
  }
  return [...first.values()];
}
