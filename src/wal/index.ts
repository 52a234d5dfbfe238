/** The WAL archive: files that PostgreSQL hands over, kept durably and never overwritten. */
export { type PushOptions, type PushResult, pushWalFile } from './push.ts';
export { type ArchiveSettings, readArchiveSettings } from './settings.ts';
