import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import type { Actor } from '../repository/holder.ts';
import type { Store } from '../storage/store.ts';
import type { Session } from './session.ts';

/**
 * The store of that name (the daily tier's by default). Without one named `local` in the configuration it is the
 * one beside the private server. A store that root makes belongs to the server's user, which archives into it.
 * @throws USAGE for a name that the configuration does not have
 */
export async function openStore(session: Session, name?: string): Promise<Store> {
  const config = await session.config();
  const wanted = name ?? config.backup.daily.store;
  const settings = config.stores[wanted];
  if (!settings && wanted === 'local') {
    const { openLocalStore } = await import('../devdb/index.ts');
    return openLocalStore(session.project.root, session.environment);
  }
  if (!settings) {
    throw new StructdbError('USAGE', `There is no store named "${wanted}".`, {
      hint: `Name one of: ${[...new Set(['local', ...Object.keys(config.stores)])].join(', ')}`,
    });
  }
  if (settings.type === 's3') {
    throw new StructdbError('USAGE', `The store "${wanted}" is in S3, which is not built yet.`);
  }
  const { openDirectoryStore } = await import('../storage/directory-store.ts');
  const { serverUser } = await import('../programs/system-user.ts');
  return openDirectoryStore({
    path: path.resolve(session.project.root, settings.path),
    groupAccess: settings.groupAccess,
    uid: session.environment.uid,
    owner: await serverUser(session.environment).catch(() => undefined),
  });
}

/** Who runs the command, for leases and manifests. */
export function actorOf(session: Session, command: string): Actor {
  return { host: session.environment.hostName, user: session.environment.userName, command };
}
