import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../../src/core/context.ts';
import { type ScratchCluster, type ServerPrograms, startServer, stopServer } from '../../src/postgres/cluster.ts';

/** What a cluster needs to be made a standby. */
export const STANDBY_SETTINGS = Object.freeze({ wal_level: 'replica', max_wal_senders: '2' });

/** Starts the server of the cluster again as a hot standby, with all that was written so far. */
export async function restartAsStandby(
  { dataDirectory, directory, user }: ScratchCluster,
  programs: ServerPrograms,
  context: RunContext,
): Promise<void> {
  await stopServer({ programs, dataDirectory, user });
  await writeFile(path.join(dataDirectory, 'standby.signal'), '');
  await startServer({ programs, dataDirectory, user, logFile: path.join(directory, 'standby.log') }, context);
}
