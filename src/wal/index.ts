/** The WAL archive: files that PostgreSQL hands over, kept durably and never overwritten. */
export { type ArchiveSettings, readArchiveSettings } from '../repository/archive-settings.ts';
export { type PushOptions, type PushResult, pushWalFile } from './push.ts';
