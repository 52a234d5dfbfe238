import { statfs } from 'node:fs/promises';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { usedStores } from '../../config/store-names.ts';
import type { Store } from '../../storage/store.ts';
import { isLocal } from './cluster.ts';
import type { DiskFacts } from './facts.ts';

/** The disks of directory stores, and of the data of a server on this machine, as far as they can be seen from here. */
export async function readDisks(
  connection: ConnectionSettings,
  policy: Config['backup'],
  openStore: (name: string) => Promise<Store>,
  dataDirectory: string | null,
): Promise<DiskFacts[]> {
  const places: { readonly place: string; readonly directory: string }[] = [];
  for (const { name } of usedStores(policy)) {
    const { location } = await openStore(name);
    if (location.startsWith('/')) places.push({ place: `store ${name}`, directory: location });
  }
  if (dataDirectory !== null && isLocal(connection)) places.push({ place: 'data directory', directory: dataDirectory });
  const disks = await Promise.all(places.map(readDisk));
  return disks.filter((disk) => disk !== undefined);
}

/** undefined for a folder that is not there yet, or that this user cannot reach. */
async function readDisk({ place, directory }: { place: string; directory: string }): Promise<DiskFacts | undefined> {
  const found = await statfs(directory).catch(() => undefined);
  return found && { place, freeBytes: found.bavail * found.bsize, sizeBytes: found.blocks * found.bsize };
}
