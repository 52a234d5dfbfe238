import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import type { MigrateResult } from '../migrate/index.ts';
import { durationOf } from './duration.ts';
import { addMigrationsDir, type MigrationsFlags } from './migrate-common.ts';
import type { Style } from './output.ts';

/** What `up`, `down`, `to` and `redo` have in common. */
export interface RunFlags extends MigrationsFlags {
  readonly lockWait?: string;
  readonly lockTimeout?: string;
}

export const RUN_CODES = [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted];

export function addRunFlags(command: Command): void {
  addMigrationsDir(command)
    .option(
      '--lock-wait <duration>',
      'how long to wait for another migration run, e.g. "5 minutes" (default: 1 minute)',
    )
    .option(
      '--lock-timeout <duration>',
      'how long a statement waits for a lock before the migration is tried again (default: 5 s)',
    );
}

export function lockOptions({ lockWait, lockTimeout }: RunFlags): { lockWaitMs?: number; lockTimeoutMs?: number } {
  return {
    ...(lockWait === undefined ? {} : { lockWaitMs: durationOf('--lock-wait', lockWait) }),
    ...(lockTimeout === undefined ? {} : { lockTimeoutMs: durationOf('--lock-timeout', lockTimeout) }),
  };
}

export function stepCount(text: string | undefined): { count?: number } {
  if (text === undefined) return {};
  if (/^[1-9]\d{0,5}$/.test(text)) return { count: Number(text) };
  throw new StructdbError('USAGE', `"${text}" is not a number of migrations.`, {
    hint: 'Give a whole number from 1; for a name: structdb migrate to <name>',
  });
}

export function migrations(count: number): string {
  return `${count} ${count === 1 ? 'migration' : 'migrations'}`;
}

/** Where the database is after a run. */
export function renderState({ current, pending }: MigrateResult, style: Style): string {
  const at = current === null ? 'no migration is applied' : `the database is at ${style.bold(current)}`;
  return pending.length > 0 ? `${at}, ${pending.length} pending` : at;
}
