import { readObject, type Store } from '../storage/store.ts';
import { type EvidenceKind, type StoreEvidenceKind, storeEvidenceKey } from './layout.ts';
import { encodeJson, parseJson, type Repository } from './repository.ts';

/**
 * Keeps the record of a measurement for good: an object of its own that nothing overwrites. Returns its key.
 * Two measurements in one millisecond get neighbouring names.
 */
export async function writeEvidence(
  repository: Repository,
  kind: EvidenceKind,
  at: Date,
  record: object,
): Promise<string> {
  for (let instant = at.getTime(); ; instant += 1) {
    const key = repository.keys.evidence(kind, new Date(instant));
    if (await repository.store.putIfAbsent(key, encodeJson(record))) return key;
  }
}

/** The same for what was measured on clusters that are gone: beside the repositories, of none of them. */
export async function writeStoreEvidence(
  store: Store,
  kind: StoreEvidenceKind,
  at: Date,
  record: object,
): Promise<string> {
  for (let instant = at.getTime(); ; instant += 1) {
    const key = storeEvidenceKey(kind, new Date(instant));
    if (await store.putIfAbsent(key, encodeJson(record))) return key;
  }
}

/** Every record of that kind, oldest first; what cannot be read as JSON is left out. */
export async function readEvidence(
  repository: Repository,
  kind: EvidenceKind,
): Promise<{ key: string; record: unknown }[]> {
  const records: { key: string; record: unknown }[] = [];
  for await (const { key } of repository.store.list(repository.keys.evidenceFolder(kind))) {
    const record = parseJson(await readObject(repository.store, key));
    if (record !== undefined) records.push({ key, record });
  }
  return records;
}
