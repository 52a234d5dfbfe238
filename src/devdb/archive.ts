import { chmod, chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config, StoreConfig } from '../config/schema.ts';
import { codeOf } from '../core/errors.ts';
import { writeArchiveProgram, writeArchiveSettings } from '../repository/archive-program.ts';
import type { ArchiveChoices } from '../repository/archive-settings.ts';
import type { ServerHome } from './home.ts';

type Cluster = Pick<ArchiveChoices, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>;

/** What of the configuration decides about a private server's archive. */
export interface ArchiveWish {
  readonly dev: Config['dev'];
  /** Where the configuration wants WAL; undefined: beside the server. Paths are absolute. */
  readonly walStore?: StoreConfig | undefined;
}

/** Prepares the archive of a private server. Returns its archive_command. */
export async function prepareArchive(home: ServerHome, cluster: Cluster, wish: ArchiveWish): Promise<string> {
  const settings = choices(home, cluster, wish);
  if (settings.store.type === 'directory') await makeStore(settings.store, home.user);
  const { archiveCommand } = await writeArchiveProgram(home.archiveDirectory, settings, home.user);
  return archiveCommand;
}

/** The settings alone, for a server that runs already: the configuration may have changed. */
export async function refreshArchive(home: ServerHome, cluster: Cluster, wish: ArchiveWish): Promise<void> {
  await writeArchiveSettings(home.archiveDirectory, choices(home, cluster, wish), home.user);
}

function choices(home: ServerHome, cluster: Cluster, { dev, walStore }: ArchiveWish): ArchiveChoices {
  // What somebody configured is retention's to empty, and nobody else's.
  if (walStore) return { ...cluster, store: walStore, trimLimitBytes: null };
  const store = { type: 'directory' as const, path: home.storeDirectory, groupAccess: false };
  return { ...cluster, store, trimLimitBytes: dev.walLimit };
}

/** The server's user archives into the store but may not make it: the directory above is not his. */
async function makeStore(
  { path: directory, groupAccess }: Extract<StoreConfig, { type: 'directory' }>,
  user: ServerHome['user'],
): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true });
  const made = await mkdir(directory, { mode: 0o700 }).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
  if (!made) return;
  if (user) await chown(directory, user.uid, user.gid);
  if (groupAccess) await chmod(directory, 0o2770);
}
