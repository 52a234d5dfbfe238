import type { StoreConfig } from '../config/schema.ts';
import { rememberSecret } from '../core/redact.ts';
import { openDirectoryStore } from './directory-store.ts';
import type { S3Credentials } from './s3-store.ts';
import type { Sealing } from './sealing.ts';
import type { Store } from './store.ts';

/** Who opens a store. */
export interface StoreUser {
  /** Effective user id of this process; undefined where the platform has none. */
  readonly uid: number | undefined;
  /** Who a directory store belongs to when it does not exist yet and root makes it. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** PATH, where the `age` program is looked for first. */
  readonly searchPath?: string | undefined;
  /** Of an S3 store whose settings name none and no profile; without them the standard chain of AWS is asked. */
  readonly s3Credentials?: S3Credentials | undefined;
}

/**
 * Opens the store of a configuration or of `archive.json`; paths are absolute. What only S3 or encryption needs is
 * loaded only for them: every segment starts anew. Contacts nothing.
 * @throws KEY_WRONG for an identity file that holds no identity
 */
export async function openStoreOf(settings: StoreConfig, user: StoreUser): Promise<Store> {
  const sealing = await sealingOf(settings, user);
  if (settings.type === 'directory') {
    const { path, groupAccess } = settings;
    return openDirectoryStore({ path, groupAccess, uid: user.uid, owner: user.owner, sealing });
  }
  const { accessKeyId, secretAccessKey, profile } = settings;
  rememberSecret(secretAccessKey);
  const named = accessKeyId !== undefined && secretAccessKey !== undefined && { accessKeyId, secretAccessKey };
  const credentials = named || (profile === undefined ? user.s3Credentials : undefined);
  const { openS3Store } = await import('./s3-store.ts');
  return openS3Store({
    ...settings,
    requestTimeoutMs: settings.requestTimeout,
    credentials,
    sealing,
    settings: { ...settings, ...lasting(credentials) },
  });
}

/** For a server that fetches by itself: those of this process's environment too, unless they end with a session. */
function lasting(credentials: S3Credentials | undefined): Partial<S3Credentials> {
  if (!credentials || credentials.sessionToken !== undefined) return {};
  const { accessKeyId, secretAccessKey } = credentials;
  return { accessKeyId, secretAccessKey };
}

async function sealingOf({ encryption }: StoreConfig, { searchPath }: StoreUser): Promise<Sealing | undefined> {
  if (!encryption) return undefined;
  const { openSealing } = await import('./age-sealing.ts');
  return openSealing({ ...encryption, searchPath });
}
