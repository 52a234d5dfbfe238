import type { Clock } from '../core/clock.ts';
import { readObject } from '../storage/store.ts';
import type { BackupEntry } from './backups.ts';
import type { Actor } from './holder.ts';
import { encodeJson, parseJson } from './repository.ts';

/** Somebody's wish that a backup stays, whatever its age: an object of its own beside the manifest. */
export interface Pin {
  readonly at: string;
  readonly by: Actor;
  readonly reason: string | null;
}

/** Pins a backup. False when it is pinned already; that pin stays as it is. */
export async function writePin(
  { repository, label }: BackupEntry,
  pin: { readonly by: Actor; readonly reason: string | null },
  clock: Clock,
): Promise<boolean> {
  const record: Pin = { at: clock.now().toISOString(), ...pin };
  return repository.store.putIfAbsent(repository.keys.pin(label), encodeJson(record));
}

/** The pin of a backup; undefined when it has none. One that cannot be understood still pins. */
export async function readPin({
  repository,
  label,
}: Pick<BackupEntry, 'repository' | 'label'>): Promise<Pin | undefined> {
  const key = repository.keys.pin(label);
  if (!(await repository.store.head(key))) return undefined;
  const found = parseJson(await readObject(repository.store, key)) as Pin | undefined;
  return found ?? { at: '', by: { host: '?', user: '?', command: '?' }, reason: 'the pin cannot be read' };
}

/** Takes a pin away. False when there was none. */
export async function removePin({ repository, label }: BackupEntry): Promise<boolean> {
  const key = repository.keys.pin(label);
  if (!(await repository.store.head(key))) return false;
  await repository.store.delete(key);
  return true;
}
