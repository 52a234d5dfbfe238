/** Restores: back into a database, planned before anything is touched and compared with what the backup recorded. */

export { type ContentCheck, checkContents } from './check.ts';
export { type Choice, chooseDumps, LATEST } from './choose.ts';
export * from './cluster/index.ts';
export { describePlan, type RestorePlanSummary } from './describe.ts';
export { performRestore, type RestorePhases, type RestoreResult, restoreDump } from './dump.ts';
export { requireWholeParts } from './fetch.ts';
export { planDumpRestore, planFor, type RestoreOptions, type RestorePlan } from './plan.ts';
export type { Target, TargetState } from './target.ts';
