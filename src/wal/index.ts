/** The WAL archive: files that PostgreSQL hands over, kept durably and never overwritten, and brought back. */
export { type ArchiveSettings, readArchiveSettings } from '../repository/archive-settings.ts';
export { type FetchOptions, type FetchResult, fetchWalFile } from './fetch.ts';
export { type PushOptions, type PushResult, pushWalFile } from './push.ts';
export { type ReceiveOptions, type ReceiveResult, receiveWal } from './receive.ts';
export { setUpArchive, type WalSetupOptions, type WalSetupResult, type WalSource } from './setup.ts';
export {
  type ClusterWalStatus,
  type NeededHole,
  type WalStatusOptions,
  type WalStatusResult,
  walStatus,
} from './status.ts';
export { type VerifiedArchive, type VerifyWalOptions, verifyWal, type WalProblem } from './verify.ts';
