export {
  type BaselineOptions,
  type BaselineResult,
  baseline,
  compareBaseline,
  judgeBaseline,
  recordBaseline,
} from './baseline.ts';
export type { Direction } from './compile.ts';
export { type CreatedMigration, type CreateMigrationOptions, createMigration } from './create.ts';
export {
  type DatabaseOutcome,
  type DatabaseState,
  judgeUpMany,
  type UpManyOptions,
  type UpManyResult,
  upMany,
} from './fleet.ts';
export {
  type DatabaseStatus,
  type DatabaseStatusState,
  judgeStatusMany,
  type StatusManyOptions,
  type StatusManyResult,
  statusMany,
} from './fleet-status.ts';
export {
  DEFAULT_LARGE_ROWS,
  judgeLint,
  type LintFinding,
  type LintOptions,
  type LintResult,
  lint,
  type SuppressedFinding,
} from './lint.ts';
export { loadMigrations, migrationNames } from './load.ts';
export type { Loss } from './loss.ts';
export { type DownPreview, type DownTarget, type PreviewDownOptions, previewDown } from './losses.ts';
export { type DatabaseError, type DatabaseIdentity, DEFAULT_JOBS } from './one-of-many.ts';
export { type PlannedMigration, type PlanOptions, plan, resolve as resolveMigrationName } from './plan.ts';
export { type DatabasePlan, planDatabase } from './plan-database.ts';
export { previewRedo, type RedoPreviewOptions } from './redo.ts';
export { type MigrationConfig, type RegisteredMigration, type Registry, registry } from './registry.ts';
export { type Repair, type RepairOptions, type RepairResult, repair } from './repair.ts';
export {
  DEFAULT_LOCK_WAIT_MS,
  down,
  type MigratedStep,
  type MigrateOptions,
  type MigrateResult,
  redo,
  to,
  up,
} from './run.ts';
export { describeDifference, type SchemaDifference } from './schema-difference.ts';
export type { PlannedLock, StatementEffects } from './statement-effects.ts';
export { judgeStatus, type MigrationState, type MigrationStatus, type StatusResult, status } from './status.ts';
export { judgeTypes, type TypesOptions, type TypesResult, types } from './types.ts';
export {
  type ChecksumState,
  judgeVerify,
  type VerifiedMigration,
  type VerifyOptions,
  type VerifyResult,
  verify,
} from './verify.ts';
