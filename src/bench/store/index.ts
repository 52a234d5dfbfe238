/** A door of its own: who reads what was measured loads nothing of what measures. */
export { type FoundRun, newestRunFile, type RunPlaces, readStoredRun, saveBaseline, storeRun } from './run-store.ts';
export { encodeStoredRun, readStoredFile, type StoredRun } from './stored-run.ts';
