import { type Kysely, sql } from 'kysely';
import { StructdbError } from '../../core/errors.ts';
import { parseDuration } from '../../core/units.ts';
import { isTransactional, type RegisteredMigration } from '../registry.ts';
import { areConcurrentBuilds } from './created-indexes.ts';

/**
 * How long a statement of a migration waits for a lock. Whoever comes after a waiting ALTER TABLE waits behind it, the
 * readers too: so it is short, and tried again.
 */
export const DEFAULT_LOCK_TIMEOUT_MS = 5000;

/** PostgreSQL keeps these settings in an int4. */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds; 0 means no limit. */
export interface MigrationLimits {
  readonly lockTimeoutMs: number;
  /** Absent: the session's, which is none. */
  readonly statementTimeoutMs?: number;
}

/**
 * The limits of one migration: its `config`, else the run's.
 * @throws CONFIG_INVALID for a `config` that names no duration
 */
export function limitsOf(name: string, { config }: RegisteredMigration, lockTimeoutMs: number): MigrationLimits {
  const own = (key: 'lockTimeout' | 'statementTimeout') => {
    const text = config?.[key];
    return text === undefined ? undefined : parseLimit(text, `Migration ${name}: config.${key}`);
  };
  const statementTimeoutMs = own('statementTimeout');
  return {
    lockTimeoutMs: own('lockTimeout') ?? lockTimeoutMs,
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
  };
}

/** No limit for a migration that does nothing but build indexes concurrently, unless its `config` has one. */
export function patientWith(
  statements: readonly string[],
  migration: RegisteredMigration,
  limits: MigrationLimits,
): MigrationLimits {
  const patient =
    !isTransactional(migration) && migration.config?.lockTimeout === undefined && areConcurrentBuilds(statements);
  return patient ? { ...limits, lockTimeoutMs: 0 } : limits;
}

/** Rounded up, because less than one millisecond would mean no limit. */
function parseLimit(text: string, what: string): number {
  const ms = text.trim() === '0' ? 0 : parseDuration(text);
  if (ms !== undefined && ms <= LONGEST_MS) return Math.ceil(ms);
  throw new StructdbError('CONFIG_INVALID', `${what} "${text}" is not a duration.`, {
    hint: 'Write it as "500 ms", "5s" or "1 minute"; 0 means no limit.',
  });
}

/** The statement that sets the limits: for the transaction, or for the session. Set in each migration, because the one before may have left others. */
export function limitsStatement({ lockTimeoutMs, statementTimeoutMs }: MigrationLimits, local: boolean): string {
  const set = (setting: string, ms: number) => `set_config('${setting}', '${ms}', ${local})`;
  const settings = [set('lock_timeout', lockTimeoutMs)];
  if (statementTimeoutMs !== undefined) settings.push(set('statement_timeout', statementTimeoutMs));
  return `select ${settings.join(', ')}`;
}

/** Runs `work` under the limits; the session gets back those it began with. */
export async function withSessionLimits<T>(
  db: Kysely<unknown>,
  limits: MigrationLimits,
  work: () => Promise<T>,
): Promise<T> {
  await sql.raw(limitsStatement(limits, false)).execute(db);
  try {
    return await work();
  } finally {
    // A session that is lost has nothing to give back, and the reason must not be hidden.
    await sql`reset lock_timeout`.execute(db).catch(() => {});
    if (limits.statementTimeoutMs !== undefined) await sql`reset statement_timeout`.execute(db).catch(() => {});
  }
}
