/** A door of its own: who reads what was measured loads nothing of what measures. */
export {
  type FoundRun,
  newestRunFile,
  type RunPlaces,
  readStored,
  readStoredRun,
  saveBaseline,
  storeAgainst,
  storeRun,
} from './run-store.ts';
export type { StoredAgainst } from './stored-against.ts';
export { readStoredFile, type StoredResult } from './stored-file.ts';
export { encodeStoredRun, type StoredRun } from './stored-run.ts';
