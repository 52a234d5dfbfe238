/** Restores of whole clusters: planned before anything is touched, verified while unpacked, replayed to a target. */

export { type ClusterPlanSummary, describeClusterPlan } from './describe.ts';
export type { ClusterRestoreOptions, TimelineWish } from './options.ts';
export { type ClusterRestorePlan, planClusterRestore } from './plan.ts';
export { type ReplayOptions, type ReplayPhases, type ReplayResult, replayRestored } from './replay.ts';
export { type ClusterRestorePhases, type ClusterRestoreResult, performClusterRestore } from './restore.ts';
export { describeTarget, parseTarget, type RecoveryTarget, type TargetWords } from './target.ts';
