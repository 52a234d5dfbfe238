import type { RunContext } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { findServerPrograms, stopServer } from '../postgres/cluster.ts';
import { releaseSharedMemory } from '../postgres/killed-server.ts';
import { onlyIn, type SearchPlaces } from '../programs/find.ts';
import { locateHome, refuseCopy, type ServerHome } from './home.ts';
import { withServerLock } from './lock.ts';
import { clearCrash, readPostmaster } from './postmaster.ts';
import { removeSocketDirectory } from './sockets.ts';

export interface StopResult {
  /** `stopped`: it ran; `not running`: there was nothing to stop. */
  readonly state: 'stopped' | 'not running';
}

/**
 * Stops the private server: sessions are ended, what is committed is checkpointed and archived. Its processes and its
 * socket are gone afterwards; the data stays.
 * @throws LOCKED, PRIVATE_SERVER_COPIED, PROGRAM_FAILED
 */
export async function stopPrivateServer(
  options: { readonly projectRoot: string; readonly places: SearchPlaces },
  context: RunContext,
): Promise<StopResult> {
  const home = await locateHome(options.projectRoot, options.places.environment);
  if (!home.record) return { state: 'not running' };
  refuseCopy(home);
  return withServerLock(home.directory, 'dev stop', context, async () =>
    (await endServer(home, options.places, 'fast', context)) ? { state: 'stopped' } : { state: 'not running' },
  );
}

/** Ends the server of a home in whatever state it is, and removes its socket. Returns whether it ran. */
export async function endServer(
  home: ServerHome,
  places: SearchPlaces,
  mode: 'fast' | 'immediate',
  context: RunContext,
): Promise<boolean> {
  const postmaster = await readPostmaster(home.dataDirectory);
  if (postmaster?.ours) {
    const programs = await findServerPrograms(onlyIn(places, home.record!.programs));
    await asStep(context, 'dev.stop', `Stopping PostgreSQL ${home.record!.version}`, () =>
      stopServer({ programs, dataDirectory: home.dataDirectory, user: home.user, mode }),
    );
  } else if (postmaster) {
    await clearCrash(home.dataDirectory, postmaster, context);
    // Programs that are gone cannot free it; the server is at its end all the same.
    const programs = home.record && (await findServerPrograms(onlyIn(places, home.record.programs)).catch(() => null));
    if (programs) await releaseSharedMemory({ programs, dataDirectory: home.dataDirectory, user: home.user });
  }
  if (home.record) await removeSocketDirectory(home.record.socketDirectory, home.serverUid);
  return postmaster?.ours === true;
}
