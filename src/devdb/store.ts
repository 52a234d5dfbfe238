import type { Environment } from '../config/environment.ts';
import { openDirectoryStore } from '../storage/directory-store.ts';
import type { Store } from '../storage/store.ts';
import type { ServerHome } from './home.ts';
import { locateHome } from './home.ts';

/** The store beside a private server; it belongs to the server's user, who archives into it. */
export function openOwnStore(home: ServerHome, environment: Environment): Store {
  return openDirectoryStore({ path: home.storeDirectory, uid: environment.uid, owner: home.user });
}

/** The store named `local` of a project that configures none: it is where `dev start` has it, or would have it. */
export async function openLocalStore(projectRoot: string, environment: Environment): Promise<Store> {
  return openOwnStore(await locateHome(projectRoot, environment), environment);
}
