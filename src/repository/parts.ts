import { createHash } from 'node:crypto';
import { StructdbError } from '../core/errors.ts';
import { keyMissing, SEALED_SUFFIX, type Sealing } from '../storage/sealing.ts';
import type { BackupEntry } from './backups.ts';
import type { ManifestPart } from './manifest.ts';
import type { Repository } from './repository.ts';

/**
 * The name under which a part is stored: with `.age` where the store is encrypted. Size and SHA-256 in the manifest are
 * those of the stored object, so that a backup can be verified without a key.
 */
export function storedName({ store }: Repository, name: string): string {
  return store.sealing ? `${name}${SEALED_SUFFIX}` : name;
}

/** The name of a part without the ending of its encryption. */
export function plainName(part: Pick<ManifestPart, 'name'>): string {
  return isSealed(part) ? part.name.slice(0, -SEALED_SUFFIX.length) : part.name;
}

/** The part of that name, encrypted or not. */
export function findPart(parts: readonly ManifestPart[], name: string): ManifestPart | undefined {
  return parts.find((part) => plainName(part) === name);
}

/** Stores a part of a backup, encrypted where the store is. Nothing lists it before the manifest names it. */
export async function writePart(
  repository: Repository,
  label: string,
  name: string,
  body: AsyncIterable<Uint8Array>,
): Promise<ManifestPart> {
  const { store, keys } = repository;
  const stored = storedName(repository, name);
  const written = await store.put(keys.part(label, stored), store.sealing ? store.sealing.seal(body) : body);
  return { name: stored, ...written };
}

/**
 * The plain bytes of a part, while its stored bytes are compared with the manifest: the last chunk comes only when
 * size and SHA-256 were right. `onStored` is told of every stored byte that was read.
 * @throws OBJECT_MISSING, BACKUP_CORRUPT, KEY_MISSING, KEY_WRONG
 */
export function readPart(
  entry: Pick<BackupEntry, 'repository' | 'label'>,
  part: ManifestPart,
  onStored: (bytes: number) => void = () => {},
): AsyncIterable<Uint8Array> {
  const { repository, label } = entry;
  if (!isSealed(part)) return compared(repository, label, part, onStored);
  const { store } = repository;
  if (!store.sealing?.canUnseal) throw keyMissing(store.location, store.sealing);
  return unsealed(store.sealing, entry, part, onStored);
}

/** Whether a part is encrypted. */
export function isSealed(part: Pick<ManifestPart, 'name'>): boolean {
  return part.name.endsWith(SEALED_SUFFIX);
}

/**
 * Whether what is encrypted of a backup could be decrypted, by its smallest part: asked before anything is touched.
 * @throws KEY_MISSING, KEY_WRONG, OBJECT_MISSING, BACKUP_CORRUPT
 */
export async function requireKey(
  entry: Pick<BackupEntry, 'repository' | 'label'>,
  parts: readonly ManifestPart[],
): Promise<void> {
  const [smallest] = parts.filter(isSealed).sort((a, b) => a.sizeBytes - b.sizeBytes);
  if (!smallest) return;
  for await (const _ of readPart(entry, smallest)) return;
}

async function* unsealed(
  sealing: Sealing,
  { repository, label }: Pick<BackupEntry, 'repository' | 'label'>,
  part: ManifestPart,
  onStored: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* sealing.unseal(compared(repository, label, part, onStored));
  } catch (cause) {
    if (!(cause instanceof StructdbError)) throw cause;
    if (cause.code === 'OBJECT_CORRUPT') throw altered(label, part, 'it cannot be decrypted', cause);
    if (cause.code !== 'KEY_WRONG') throw cause;
    const message = `The identity${identityOf(sealing)} cannot decrypt ${part.name} of backup ${label}.`;
    throw new StructdbError('KEY_WRONG', message, { cause, ...(cause.hint ? { hint: cause.hint } : {}) });
  }
}

function identityOf({ settings: { identityFile } }: Sealing): string {
  return identityFile === undefined ? '' : ` in ${identityFile}`;
}

function altered(label: string, part: ManifestPart, what: string, cause?: unknown): StructdbError {
  return new StructdbError('BACKUP_CORRUPT', `${part.name} of backup ${label} was altered: ${what}.`, {
    cause,
    hint: 'Use another backup: structdb backup list',
  });
}

async function* compared(
  { store, keys }: Repository,
  label: string,
  part: ManifestPart,
  onStored: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of await store.get(keys.part(label, part.name))) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    sizeBytes += bytes.length;
    onStored(bytes.length);
    if (held) yield held;
    held = bytes;
  }
  if (sizeBytes !== part.sizeBytes || hash.digest('hex') !== part.sha256) {
    const what =
      sizeBytes === part.sizeBytes ? 'its SHA-256 differs' : `${sizeBytes} bytes instead of ${part.sizeBytes}`;
    throw altered(label, part, what);
  }
  if (held) yield held;
}
