import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../../core/errors.ts';
import type { Store } from '../../storage/store.ts';

/** Where those stores are that are directories. */
export function directoriesOf(stores: readonly Store[]): string[] {
  return stores.flatMap(({ settings }) => (settings?.type === 'directory' ? [settings.path] : []));
}

/**
 * Refuses what lies in a data directory or in a store: the base backups of that server would take it along and its end
 * would be the end of this too; in a store, pruning and listing would meet what is none of theirs. The way is looked at as it
 * is written and without its symbolic links. `what` begins the message: `/srv/x`.
 * @throws TARGET_UNSUITABLE
 */
export async function requireOwnGround(what: string, place: string, stores: readonly string[]): Promise<void> {
  const ways = [...new Set([path.resolve(place), await realPlaceOf(place)])];
  for (const way of ways) {
    const dataDirectory = await dataDirectoryAround(way);
    if (dataDirectory !== undefined) {
      throw unsuitable(`${what} lies in ${dataDirectory}, which is a data directory of PostgreSQL.`);
    }
  }
  for (const store of stores) {
    const roots = [path.resolve(store), await realPlaceOf(store)];
    if (ways.some((way) => roots.includes(way))) throw unsuitable(`${what} is a store of backups.`);
    if (ways.some((way) => roots.some((root) => isIn(way, root)))) {
      throw unsuitable(`${what} lies in ${store}, which is a store of backups.`);
    }
  }
}

/** The same place without symbolic links, as far as it is there. */
export async function realPlaceOf(place: string): Promise<string> {
  const wanted = path.resolve(place);
  for (let current = wanted; ; current = path.dirname(current)) {
    const real = await realpath(current).catch(() => undefined);
    if (real !== undefined) return path.join(real, path.relative(current, wanted));
    if (current === path.dirname(current)) return wanted;
  }
}

/** Whether `place` is `directory`, or in it. */
export function isIn(place: string, directory: string): boolean {
  return place === directory || place.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/** The outermost: the folder of each database has a PG_VERSION too. */
async function dataDirectoryAround(place: string): Promise<string | undefined> {
  let found: string | undefined;
  for (let current = place; current !== path.dirname(current); ) {
    current = path.dirname(current);
    if (await lstat(path.join(current, 'PG_VERSION')).catch(() => undefined)) found = current;
  }
  return found;
}

function unsuitable(message: string): StructdbError {
  return new StructdbError('TARGET_UNSUITABLE', message, { hint: 'Nothing was touched. Name a place outside of it.' });
}
