import type { Kysely } from 'kysely';
import * as coreSchema from '../../migrations/001_core_schema.ts';
import * as enumConstraints from '../../migrations/002_enum_constraints.ts';
import * as calibrationPricing from '../../migrations/003_calibration_pricing.ts';
import * as seedData from '../../migrations/004_seed_data.ts';
import * as performanceMonitoring from '../../migrations/005_performance_monitoring.ts';
import * as envelopeSupport from '../../migrations/006_envelope_support.ts';

export interface MigrationConfig {
  /** One transaction for the whole migration, which is the default. */
  readonly transaction?: boolean;
  /** How long its statements wait for a lock, `5s`; the run's `--lock-timeout` without it. */
  readonly lockTimeout?: string;
  /** How long one of its statements may run, `1min`; no limit without it. */
  readonly statementTimeout?: string;
  /** Why there is no way back. */
  readonly irreversible?: string | boolean;
  /** What holds for the way back instead; the same when it is not given. */
  readonly down?: Pick<MigrationConfig, 'transaction' | 'lockTimeout' | 'statementTimeout'>;
}

/** A migration file. `config` has the shape that kysely 0.30 reads by itself. */
export interface RegisteredMigration {
  up(db: Kysely<unknown>): Promise<void>;
  down?(db: Kysely<unknown>): Promise<void>;
  readonly config?: MigrationConfig;
  /** The rules of `migrate lint` that do not apply here, each with the reason. */
  readonly lint?: Readonly<Record<string, string>>;
  /** All that it sends, where that is known without running it: of a SQL file. */
  readonly statements?: { readonly up: readonly string[]; readonly down: readonly string[] };
  /** The file, where it was read from one. */
  readonly source?: { readonly file: string; readonly text: string };
}

export type Registry = Readonly<Record<string, RegisteredMigration>>;

/**
 * Every migration by name. Imported one by one, because a name is an identity: the compiled files of the published
 * package have other extensions, and a folder that is read may hold a file too many.
 */
export const registry: Registry = Object.freeze({
  '001_core_schema': coreSchema,
  '002_enum_constraints': enumConstraints,
  '003_calibration_pricing': calibrationPricing,
  '004_seed_data': seedData,
  '005_performance_monitoring': performanceMonitoring,
  '006_envelope_support': envelopeSupport,
});

/** Names in the order of application. */
export function namesOf(migrations: Registry): string[] {
  return Object.keys(migrations).sort();
}

/** The migration with the `config` of this direction. */
export function inDirection(migration: RegisteredMigration, direction: 'up' | 'down'): RegisteredMigration {
  const config = direction === 'down' ? migration.config?.down : undefined;
  return config === undefined ? migration : { ...migration, config };
}

/** Whether the migration runs as one transaction: the default. */
export function isTransactional(migration: RegisteredMigration): boolean {
  return migration.config?.transaction !== false;
}
