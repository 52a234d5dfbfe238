/** Backups of a database into a store: made, listed, verified, and removed when nothing keeps them. */
export { DUMP_PART, GLOBALS_PART } from './dump.ts';
export { holdsBackup, type ListedBackup, listStore, showBackup } from './list.ts';
export { type PinOptions, type PinResult, pinBackup, unpinBackup } from './pin.ts';
export {
  checkDue,
  type PolicyOptions,
  type PolicyOutcome,
  type PolicyResult,
  runDueBackups,
  type TaskResult,
} from './policy.ts';
export { type PruneOptions, type PrunePlan, type PruneResult, planPrune, pruneBackups } from './prune.ts';
export {
  type BackupOptions,
  type BackupResult,
  type DueResult,
  type RunOptions,
  runBackup,
  runDueBackup,
} from './run.ts';
export { type NewestOfTier, outlineOf, type TierState, type TierStateOptions, tierState } from './tier-state.ts';
export { type TierRule, tierRules } from './tiers.ts';
export { findProblems, type VerifiedBackup, type VerifyOptions, verifyBackups } from './verify.ts';
