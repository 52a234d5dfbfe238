import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { removeAbandonedServers } from '../postgres/abandoned-servers.ts';
import {
  findServerPrograms,
  type ScratchCluster,
  type ServerPrograms,
  withScratchCluster,
} from '../postgres/cluster.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { temporaryRoot, withOwnDirectory } from '../programs/own-directory.ts';

/** An isolated server of at least that major, gone afterwards; what a killed drill left is removed first. */
export async function withDrillServer<T>(
  options: { readonly places: SearchPlaces; readonly major: number },
  context: RunContext,
  work: (cluster: ScratchCluster, programs: ServerPrograms) => Promise<T>,
): Promise<T> {
  await removeAbandoned(context);
  const step = 'drill.server';
  const message = 'Starting an isolated server';
  const began = context.clock.monotonicMs();
  context.report({ kind: 'step', step, message });
  const programs = await serverPrograms(options.places, options.major);
  // The server's user passes through the directory but cannot list it.
  return withOwnDirectory('drill', 0o711, (parent) =>
    withScratchCluster({ programs, environment: options.places.environment, parent }, context, (cluster) => {
      context.report({ kind: 'done', step, message, durationMs: context.clock.monotonicMs() - began });
      return work(cluster, programs).catch(async (error) => {
        throw tellFullDisk(error, await readFile(path.join(cluster.directory, 'server.log'), 'utf8').catch(() => ''));
      });
    }).catch((error) => {
      throw tellFullDisk(error, '');
    }),
  );
}

/** A server that cannot write ends sessions, or itself: its log tells why. */
function tellFullDisk(error: unknown, log: string): unknown {
  if (!(error instanceof StructdbError) || error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') return error;
  const line = [...error.details, ...log.split('\n')].find((text) => text.includes('No space left on device'));
  if (line === undefined) return error;
  return new StructdbError('DISK_FULL', `The isolated server has no space in ${temporaryRoot()}.`, {
    cause: error,
    details: [line.trim()],
    hint: 'Free space there, or name another folder (STRUCTDB_SCRATCH): the server needs about 45 MB, and room for the database and its WAL.',
  });
}

/** The backup's own major, else a newer one. @throws PROGRAM_MISSING, PROGRAM_TOO_OLD */
async function serverPrograms(places: SearchPlaces, major: number): Promise<ServerPrograms> {
  try {
    return await findServerPrograms(places, { major });
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_TOO_OLD') throw error;
    const newest = await findServerPrograms(places);
    if (newest.postgres.major >= major) return newest;
    throw error;
  }
}

/** Stops and removes what drills left that were killed: their process is gone. */
export async function removeAbandoned(context: RunContext): Promise<void> {
  for (const directory of await removeAbandonedServers('drill')) {
    context.report({ kind: 'notice', message: `Removed the scratch server that a killed drill left (${directory}).` });
  }
}
