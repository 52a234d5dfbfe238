import type { StoreConfig } from '../config/schema.ts';
import { openDirectoryStore } from './directory-store.ts';
import type { Store } from './store.ts';

/** Who opens a store. */
export interface StoreUser {
  /** Effective user id of this process; undefined where the platform has none. */
  readonly uid: number | undefined;
  /** Who a directory store belongs to when it does not exist yet and root makes it. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Opens the store that `archive.json` names. What only S3 or encryption needs is loaded only for them, because every
 * segment starts this anew.
 */
export async function openStoreOf(settings: StoreConfig, user: StoreUser): Promise<Store> {
  if (settings.type === 'directory') {
    return openDirectoryStore({ path: settings.path, groupAccess: settings.groupAccess, ...user });
  }
  const { openS3Store } = await import('./s3-store.ts');
  const { bucket, prefix, endpoint, region, pathStyle, profile, storageClass, accessKeyId, secretAccessKey } = settings;
  return openS3Store({
    bucket,
    prefix,
    endpoint,
    region,
    pathStyle,
    profile,
    storageClass,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    requestTimeoutMs: settings.requestTimeout,
  });
}
