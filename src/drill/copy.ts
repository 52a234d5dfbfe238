import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { DumpManifest } from '../repository/manifest.ts';
import { type Check, checkRestored } from './checks.ts';

export interface CopyOptions {
  /** The restored copy, as a superuser of its server. */
  readonly connection: ConnectionSettings;
  readonly manifest: DumpManifest;
  /** Whether its server has the major of the backup's; otherwise definitions may be printed differently. */
  readonly sameMajor: boolean;
}

/**
 * Compares a restored copy with everything that its manifest recorded. Changes nothing: what the checks try is rolled
 * back. For copies that nobody uses: the checks take locks.
 */
export async function judgeCopy(options: CopyOptions, context: RunContext): Promise<readonly Check[]> {
  return withFrozenCopy(options.connection, context, (client) => checkFrozen(client, options, context));
}

/** Gives `work` a session whose snapshot is taken: it sees the copy as it is now, whatever is written meanwhile. */
export async function withFrozenCopy<T>(
  connection: ConnectionSettings,
  context: RunContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(connection, profiles.drill, context, async (client) => {
    // Read write whatever the database's default is: the audit triggers are tried.
    await client.query('begin isolation level repeatable read read write');
    await client.query('select 1 from pg_catalog.pg_class limit 1');
    const result = await work(client);
    stopIfInterrupted(context);
    await client.query('rollback');
    return result;
  });
}

/** The checks inside `withFrozenCopy`. */
export async function checkFrozen(
  client: pg.Client,
  { manifest, sameMajor }: CopyOptions,
  context: RunContext,
): Promise<readonly Check[]> {
  const step = 'drill.check';
  const onTable = (done: number, total: number) => {
    stopIfInterrupted(context);
    context.report({ kind: 'progress', step, done, total, unit: 'items' });
  };
  return asStep(
    context,
    step,
    'Checking the restored copy',
    () => checkRestored(client, manifest, { sameMajor, onTable }),
    () => 'Checked the restored copy',
  );
}
