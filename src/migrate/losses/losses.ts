import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { loadParser } from '../../core/parse-sql.ts';
import { readAppliedMigrations } from '../../database/bookkeeping.ts';
import { compileMigration } from '../compile.ts';
import { withReader } from '../reader.ts';
import { type Registry, registry as shipped } from '../registry.ts';
import { refuseForeignState } from '../run/migrator.ts';
import { requireWaysBack } from '../run/way-back.ts';
import { loadBlockParser } from './block-statements.ts';
import { type DownParsers, downActions } from './down-actions.ts';
import { DownLosses } from './down-losses.ts';
import type { Loss } from './loss.ts';

export interface DownPreview {
  /** The migrations that would be taken back, in that order. */
  readonly names: readonly string[];
  /** In the order of the statements; empty when nothing is known to be lost. */
  readonly losses: readonly Loss[];
}

/** How far down: a number of steps, or the migration that stays. */
export type DownTarget = { readonly count: number } | { readonly name: string };

export interface PreviewDownOptions {
  readonly connection: ConnectionSettings;
  readonly target: DownTarget;
  readonly registry?: Registry;
  /** How long one table is counted before the estimate of the statistics has to do; all of them four times that. Milliseconds. */
  readonly countLimitMs?: number;
}

/**
 * What a `down` (or a `to` that goes down) would lose, read from its statements by PostgreSQL's parser, found in the
 * database by its search path, and counted now. The session is read-only and takes no lock but ACCESS SHARE, for as
 * long as it counts a table; what it may not read it does not count.
 * @throws MIGRATION_IRREVERSIBLE before anything is counted, MIGRATION_UNKNOWN, MIGRATION_ORDER
 */
export function previewDown(
  { connection, target, registry = shipped, countLimitMs }: PreviewDownOptions,
  context: RunContext,
): Promise<DownPreview> {
  return withReader(connection, context, async ({ client, db }) => {
    const books = await readAppliedMigrations(db);
    refuseForeignState(books, registry);
    const applied = books.map(({ name }) => name);
    const names = applied.toReversed().slice(0, stepsDown(target, applied));
    requireWaysBack(names, registry, 'nothing was taken back');
    return { names, losses: names.length === 0 ? [] : await lossesOf(client, names, registry, countLimitMs, context) };
  });
}

function stepsDown(target: DownTarget, applied: readonly string[]): number {
  if ('count' in target) return target.count;
  const position = applied.indexOf(target.name);
  return position < 0 ? 0 : applied.length - position - 1;
}

async function lossesOf(
  client: pg.Client,
  names: readonly string[],
  registry: Registry,
  countLimitMs: number | undefined,
  context: RunContext,
): Promise<readonly Loss[]> {
  const parsers: DownParsers = { parse: await loadParser(), parseBlock: await loadBlockParser() };
  const losses = await DownLosses.open(client, context, countLimitMs);
  for (const name of names) {
    for (const [index, text] of (await compileMigration(registry[name]!, 'down')).entries()) {
      const at = { migration: name, statement: index + 1 };
      for (const action of downActions(text, parsers)) await losses.take(action, at);
    }
    losses.endMigration();
  }
  return losses.told();
}
