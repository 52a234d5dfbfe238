import { readObject, type Store } from '../../storage/store.ts';

/** Objects up to this size are written with putIfAbsent, as WAL and manifests are. */
const SMALL_BYTES = 32 * 1024 * 1024;

/** Copies every object and the notes of their plain content, whatever kinds of stores the two are. */
export async function copyStore(from: Store, to: Store): Promise<void> {
  for await (const { key, sizeBytes } of from.list('')) {
    if (sizeBytes > SMALL_BYTES) await to.put(key, await from.get(key));
    else await copyObject(from, to, key, await readObject(from, key));
  }
}

/** Replaces an object by another content under the same note: what a failing disk does. */
export async function damageObject(store: Store, key: string): Promise<void> {
  const bytes = await readObject(store, key);
  const noted = await store.plainSha256(key);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 0xff;
  await store.delete(key);
  await store.putIfAbsent(key, bytes, noted === undefined ? {} : { plainSha256: noted });
}

async function copyObject(from: Store, to: Store, key: string, bytes: Uint8Array): Promise<void> {
  const noted = await from.plainSha256(key);
  await to.putIfAbsent(key, bytes, noted === undefined ? {} : { plainSha256: noted });
}
