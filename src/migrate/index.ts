export type { Direction } from './compile.ts';
export { type CreatedMigration, type CreateMigrationOptions, createMigration } from './files/create.ts';
export { loadMigrations, migrationNames } from './files/load.ts';
export { fingerprintMigrations } from './fingerprint.ts';
export {
  type DatabaseOutcome,
  type DatabaseState,
  judgeUpMany,
  type UpManyOptions,
  type UpManyResult,
  upMany,
} from './fleet/fleet.ts';
export {
  type DatabaseStatus,
  type DatabaseStatusState,
  judgeStatusMany,
  type StatusManyOptions,
  type StatusManyResult,
  statusMany,
} from './fleet/fleet-status.ts';
export { type DatabaseError, type DatabaseIdentity, DEFAULT_JOBS } from './fleet/one-of-many.ts';
export {
  DEFAULT_LARGE_ROWS,
  judgeLint,
  type LintFinding,
  type LintOptions,
  type LintResult,
  lint,
  type SuppressedFinding,
} from './lint/lint.ts';
export type { Loss } from './losses/loss.ts';
export { type DownPreview, type DownTarget, type PreviewDownOptions, previewDown } from './losses/losses.ts';
export { type PlannedMigration, type PlanOptions, plan, resolve as resolveMigrationName } from './plan/plan.ts';
export { type DatabasePlan, planDatabase } from './plan/plan-database.ts';
export type { PlannedLock, StatementEffects } from './plan/statement-effects.ts';
export { type MigrationConfig, type RegisteredMigration, type Registry, registry } from './registry.ts';
export { type Repair, type RepairOptions, type RepairResult, repair } from './repair.ts';
export { previewRedo, type RedoPreviewOptions } from './run/redo.ts';
export {
  DEFAULT_LOCK_WAIT_MS,
  down,
  type MigratedStep,
  type MigrateOptions,
  type MigrateResult,
  redo,
  to,
  up,
} from './run/run.ts';
export {
  type BaselineOptions,
  type BaselineResult,
  baseline,
  compareBaseline,
  judgeBaseline,
  recordBaseline,
} from './schema/baseline.ts';
export { describeDifference, type SchemaDifference } from './schema/schema-difference.ts';
export { readSchemaFacts, type SchemaFacts } from './schema/schema-facts.ts';
export { judgeTypes, type TypesOptions, type TypesResult, types } from './schema/types.ts';
export {
  type ChecksumState,
  judgeVerify,
  type VerifiedMigration,
  type VerifyOptions,
  type VerifyResult,
  verify,
} from './schema/verify.ts';
export { judgeStatus, type MigrationState, type MigrationStatus, type StatusResult, status } from './status.ts';
