import { chown, mkdir } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { writeArchiveProgram, writeArchiveSettings } from '../repository/archive-program.ts';
import type { ArchiveChoices } from '../repository/archive-settings.ts';
import type { ServerHome } from './home.ts';

type Cluster = Pick<ArchiveChoices, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>;

/** Prepares the archive of a private server, beside it. Returns its archive_command. */
export async function prepareArchive(home: ServerHome, cluster: Cluster, dev: Config['dev']): Promise<string> {
  await makeStore(home);
  const { archiveCommand } = await writeArchiveProgram(home.archiveDirectory, choices(home, cluster, dev), home.user);
  return archiveCommand;
}

/** The settings alone, for a server that runs already: the configuration may have changed. */
export async function refreshArchive(home: ServerHome, cluster: Cluster, dev: Config['dev']): Promise<void> {
  await writeArchiveSettings(home.archiveDirectory, choices(home, cluster, dev), home.user);
}

function choices(home: ServerHome, cluster: Cluster, dev: Config['dev']): ArchiveChoices {
  const store = { type: 'directory' as const, path: home.storeDirectory, groupAccess: false };
  return { ...cluster, store, trimLimitBytes: dev.walLimit };
}

/** The server's user archives into the store but may not make it: the directory above is not his. */
async function makeStore(home: ServerHome): Promise<void> {
  const made = await mkdir(home.storeDirectory, { recursive: true, mode: 0o700 });
  if (made !== undefined && home.user) await chown(home.storeDirectory, home.user.uid, home.user.gid);
}
