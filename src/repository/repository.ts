import { StructdbError } from '../core/errors.ts';
import { readObject, type Store } from '../storage/store.ts';
import { IDENTITY_FILE, type RepositoryKeys, repositoryKeys } from './layout.ts';

/** The newest format of a repository that this structdb reads and writes. */
export const REPOSITORY_FORMAT = 1;

/** What a repository is of; recorded when it is made and compared before every write. */
export interface RepositoryIdentity {
  /** pg_control_system().system_identifier as decimal digits. */
  readonly systemIdentifier: string;
  readonly postgresMajor: number;
  readonly walSegmentBytes: number;
}

/** The backups, WAL and evidence of one cluster inside a store. */
export interface Repository {
  readonly store: Store;
  readonly systemIdentifier: string;
  readonly keys: RepositoryKeys;
}

/**
 * The repository of a cluster for writing: made when absent, compared when there. Call it before every write of a
 * backup, WAL or evidence: two clusters in one place is how archives were lost. Needs no package, for `wal push`.
 * @throws REPOSITORY_MISMATCH
 */
export async function ensureRepository(store: Store, identity: RepositoryIdentity): Promise<Repository> {
  const repository = openRepository(store, identity.systemIdentifier);
  const wanted = { format: REPOSITORY_FORMAT, ...identity };
  // Looked at first: each archived segment comes by here, and a refused write costs as much as one that is done.
  const isNew = !(await store.head(repository.keys.identity));
  if (isNew && (await store.putIfAbsent(repository.keys.identity, encodeJson(wanted)))) return repository;
  const found = await readIdentity(repository);
  for (const key of ['systemIdentifier', 'postgresMajor', 'walSegmentBytes'] as const) {
    if (found[key] === identity[key]) continue;
    throw new StructdbError(
      'REPOSITORY_MISMATCH',
      `The repository ${store.location}/${repository.keys.root} is of another cluster: ${key} ${found[key]} there, ${identity[key]} here.`,
      { hint: 'Name another store for this cluster; nothing was written.' },
    );
  }
  return repository;
}

/** A repository for reading; nothing is looked at yet. */
export function openRepository(store: Store, systemIdentifier: string): Repository {
  if (!/^\d+$/.test(systemIdentifier)) throw new StructdbError('INTERNAL', `"${systemIdentifier}" is no identifier.`);
  return Object.freeze({ store, systemIdentifier, keys: repositoryKeys(systemIdentifier) });
}

/** Every repository of a store, so that backups are found when the server is gone. */
export async function findRepositories(store: Store): Promise<Repository[]> {
  const found: Repository[] = [];
  for (const folder of await store.folders('')) {
    if (/^\d+$/.test(folder) && (await store.head(`${folder}/${IDENTITY_FILE}`))) {
      found.push(openRepository(store, folder));
    }
  }
  return found;
}

/** What repository.json says. @throws REPOSITORY_MISMATCH when it cannot be understood or is of a newer format. */
export async function readIdentity(repository: Repository): Promise<RepositoryIdentity> {
  const { store, keys } = repository;
  const where = `${store.location}/${keys.identity}`;
  const found = parseJson(await readObject(store, keys.identity)) as Partial<Record<string, unknown>> | undefined;
  if (typeof found?.format !== 'number' || found.format > REPOSITORY_FORMAT) {
    const what = typeof found?.format === 'number' ? `has format ${found.format}` : 'cannot be understood';
    throw new StructdbError(
      'REPOSITORY_MISMATCH',
      `${where} ${what}; this structdb reads format ${REPOSITORY_FORMAT}.`,
      {
        hint: 'Use the structdb that wrote it, or name another store.',
      },
    );
  }
  const { systemIdentifier, postgresMajor, walSegmentBytes } = found as unknown as RepositoryIdentity;
  return { systemIdentifier, postgresMajor, walSegmentBytes };
}

/** JSON as it is kept: readable by people, ending with a line feed. */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** undefined for what is not JSON: a cut or altered object. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
