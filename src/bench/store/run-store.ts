import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { exists } from '../../config/project.ts';
import { codeOf, StructdbError } from '../../core/errors.ts';
import { writeWhole } from '../../storage/whole-file.ts';
import { encodeStoredAgainst, type StoredAgainst } from './stored-against.ts';
import { readStoredFile, readStoredResult, type StoredResult } from './stored-file.ts';
import { encodeStoredRun, type StoredRun } from './stored-run.ts';

/** So many runs are kept, and as many results of two sides; baselines are never removed. */
const KEPT = 50;
const ID = /^\d{8}T\d{6}Z-[0-9a-f]{4,}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Where runs and baselines are. */
export interface RunPlaces {
  /** The project's folder; without a project, where the command runs. */
  readonly root: string;
  /** What relative paths are taken from. */
  readonly workingDirectory: string;
}

/** A stored run, and the file that holds it. */
export interface FoundRun extends StoredRun {
  readonly file: string;
}

/** Keeps a run below `.structdb/bench`, and the newest fifty of all. Gives its file. @throws FILE_UNREADABLE, DISK_FULL */
export function storeRun(run: StoredRun, { root }: Pick<RunPlaces, 'root'>): Promise<string> {
  return keep(runFolder(root), run.result.id, encodeStoredRun(run));
}

/** The same of two sides that were timed in turns, below `.structdb/bench/against`: no run is taken for one, nor removed for one. */
export function storeAgainst(stored: StoredAgainst, { root }: Pick<RunPlaces, 'root'>): Promise<string> {
  return keep(againstFolder(root), stored.result.id, encodeStoredAgainst(stored));
}

async function keep(folder: string, id: string, text: string): Promise<string> {
  const file = path.join(folder, `${id}.json`);
  await write(file, text);
  const superfluous = (await storedIds(folder)).slice(KEPT);
  for (const old of superfluous) await rm(path.join(folder, `${old}.json`), { force: true });
  return file;
}

/**
 * Writes a run as a baseline: a name becomes `benchmarks/baselines/<name>.json` of the project, a path is taken as it is.
 * One that is there is replaced. Gives the file. @throws USAGE, FILE_UNREADABLE, DISK_FULL
 */
export async function saveBaseline(run: StoredRun, nameOrPath: string, places: RunPlaces): Promise<string> {
  const file = baselineFile(nameOrPath, places);
  await write(file, encodeStoredRun(run));
  return file;
}

/** The file of a baseline, before anything is measured for it. @throws USAGE */
export function baselineFile(nameOrPath: string, places: RunPlaces): string {
  if (isPath(nameOrPath)) return path.resolve(places.workingDirectory, nameOrPath);
  if (NAME.test(nameOrPath) && !ID.test(nameOrPath))
    return path.join(baselineFolder(places.root), `${nameOrPath}.json`);
  throw new StructdbError('USAGE', `"${nameOrPath}" is no name of a baseline.`, {
    hint: 'Letters, digits, ., _ and -, such as "main"; or a path that ends in .json.',
  });
}

/**
 * Finds a run by the path of a file, by the id of a stored run or by the name of a baseline; the newest stored one without
 * any. @throws FILE_MISSING that names what there is; FILE_UNREADABLE, BENCH_RESULT_UNREADABLE
 */
export async function readStoredRun(nameOrPathOrId: string | undefined, places: RunPlaces): Promise<FoundRun> {
  const file = await find(nameOrPathOrId, places);
  return { ...(await readStoredFile(file)), file };
}

/** The same, and also what `storeAgainst` kept, by its id or file. @throws what `readStoredRun` throws */
export async function readStored(
  nameOrPathOrId: string | undefined,
  places: RunPlaces,
): Promise<StoredResult & { readonly file: string }> {
  const file = await find(nameOrPathOrId, places);
  return { ...(await readStoredResult(file)), file };
}

/** The file of the newest stored run; undefined when none was kept. Runs are never rewritten. @throws FILE_UNREADABLE */
export async function newestRunFile({ root }: Pick<RunPlaces, 'root'>): Promise<string | undefined> {
  const [newest] = await storedIds(runFolder(root));
  return newest === undefined ? undefined : path.join(runFolder(root), `${newest}.json`);
}

async function find(wanted: string | undefined, places: RunPlaces): Promise<string> {
  const { root, workingDirectory } = places;
  const runs = await storedIds(runFolder(root));
  const againsts = await storedIds(againstFolder(root));
  const newestOf = (what: string, ids: readonly string[]) =>
    `${what}: ${ids.length === 0 ? 'none' : ids.slice(0, 5).join(', ')}`;
  const inTurns = againsts.length === 0 ? [] : [newestOf('Newest timed in turns (--against)', againsts)];
  if (wanted === undefined) {
    const newest = await newestRunFile({ root });
    if (newest !== undefined) return newest;
    throw new StructdbError('FILE_MISSING', `There is no stored run in ${runFolder(root)}.`, {
      details: inTurns,
      hint: 'Make one: structdb bench',
    });
  }
  if (isPath(wanted)) return path.resolve(workingDirectory, wanted);
  if (runs.includes(wanted)) return path.join(runFolder(root), `${wanted}.json`);
  if (againsts.includes(wanted)) return path.join(againstFolder(root), `${wanted}.json`);
  const baseline = path.join(baselineFolder(root), `${wanted}.json`);
  if (NAME.test(wanted) && (await exists(baseline))) return baseline;
  const baselines = (await jsonNames(baselineFolder(root))).sort();
  throw new StructdbError('FILE_MISSING', `There is no stored run and no baseline "${wanted}".`, {
    details: [
      `Baselines: ${baselines.length === 0 ? 'none' : baselines.join(', ')}`,
      newestOf('Newest runs', runs),
      ...inTurns,
    ],
    hint: 'Make a baseline: structdb bench --save-baseline <name>',
  });
}

/** Newest first. */
async function storedIds(folder: string): Promise<string[]> {
  return (await jsonNames(folder)).filter((name) => ID.test(name)).toSorted((a, b) => (a < b ? 1 : -1));
}

async function jsonNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw new StructdbError('FILE_UNREADABLE', `Cannot read ${folder}.`, {
      cause: error,
      hint: `Check the owner and the permissions of ${folder}.`,
    });
  });
  return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
}

async function write(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new StructdbError('FILE_UNREADABLE', `Cannot create ${folder}.`, {
      cause,
      hint: `Check the owner and the permissions of the folders above it.`,
    });
  });
  await writeWhole(file, text, 0o644);
}

function isPath(text: string): boolean {
  return text.includes('/') || text.includes(path.sep) || text.endsWith('.json');
}

function runFolder(root: string): string {
  return path.join(root, '.structdb', 'bench');
}

function againstFolder(root: string): string {
  return path.join(runFolder(root), 'against');
}

function baselineFolder(root: string): string {
  return path.join(root, 'benchmarks', 'baselines');
}
