import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { takeInventory } from '../../database/inventory.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { checkAuditTriggers } from '../audit-triggers.ts';
import { type Check, check, checkMigrations, checkSequences, invalidIndexes } from '../checks.ts';
import { withFrozenCopy } from '../copy.ts';
import { amcheck, checkOtherIndexes } from './amcheck.ts';
import { checkExclusions } from './exclusions.ts';

export interface ClusterChecks {
  readonly checks: readonly Check[];
  readonly unchecked: readonly string[];
}

/** Everything that can be asked of a recovered cluster by itself: there is no record of its rows to compare with. */
export async function checkCluster(
  options: {
    readonly connection: ConnectionSettings;
    readonly databases: readonly string[];
    readonly major: number;
    readonly places: SearchPlaces;
  },
  context: RunContext,
): Promise<ClusterChecks> {
  const { connection, databases, major } = options;
  const sound = await amcheck(options, context);
  const parts = await asStep(context, 'drill.check', 'Checking the structure of every database', async () => {
    const all: DatabaseChecks[] = [];
    for (const database of databases) {
      stopIfInterrupted(context);
      all.push(await checkDatabase(withDatabase(connection, database), major, context));
    }
    return all;
  });
  const gather = (key: keyof DatabaseChecks['problems']) =>
    parts.flatMap((part) =>
      part.problems[key].map((line) => (databases.length > 1 ? `${part.database}: ${line}` : line)),
    );
  const count = (key: 'sequences' | 'exclusions') => parts.reduce((sum, part) => sum + part[key], 0);
  const own = parts.flatMap(({ migrations }) => migrations);
  const audited = parts.flatMap(({ triggers }) => triggers);
  return {
    checks: [
      sound.check,
      check('other indexes', major >= 18 ? 'every GIN index is sound' : 'none can be looked at', gather('others')),
      check(
        'exclusion constraints',
        `hold when they are evaluated again (${count('exclusions')})`,
        gather('exclusions'),
      ),
      check('sequences', `ahead of every value used (${count('sequences')})`, gather('sequences')),
      check('validity', 'every index is valid', gather('validity')),
      ...(own.length > 0 ? own : [check('migrations', "no database is structdb's", [])]),
      ...audited,
    ].filter(({ name }) => name !== 'other indexes' || major >= 18),
    unchecked: [
      ...sound.unchecked,
      ...parts.flatMap(({ database, unchecked }) => unchecked.map((line) => `${database}: ${line}`)),
    ],
  };
}

interface DatabaseChecks {
  readonly database: string;
  readonly problems: {
    readonly others: readonly string[];
    readonly exclusions: readonly string[];
    readonly sequences: readonly string[];
    readonly validity: readonly string[];
  };
  readonly sequences: number;
  readonly exclusions: number;
  /** Only where the schema is structdb's. */
  readonly migrations: readonly Check[];
  readonly triggers: readonly Check[];
  readonly unchecked: readonly string[];
}

async function checkDatabase(
  connection: ConnectionSettings,
  major: number,
  context: RunContext,
): Promise<DatabaseChecks> {
  const { others, exclusions } = await withClient(connection, profiles.drill, context, async (client) => ({
    others: await checkOtherIndexes(client, major),
    exclusions: await checkExclusions(client),
  }));
  return withFrozenCopy(connection, context, async (client) => {
    const tables = await tablesOf(client);
    const isOwn = tables.some(({ schema, name }) => schema === 'structdb' && name === 'kysely_migration');
    const inventory = await takeInventory(client);
    return {
      database: connection.database,
      problems: {
        others: others.problems,
        exclusions: exclusions.problems,
        sequences: checkSequences([], inventory),
        validity: invalidIndexes(inventory),
      },
      sequences: inventory.sequences.length,
      exclusions: exclusions.count,
      migrations: isOwn ? [await checkMigrations(client, tables)] : [],
      triggers: isOwn ? [await checkAuditTriggers(client, tables)] : [],
      unchecked: others.unchecked,
    };
  });
}

async function tablesOf(client: pg.Client): Promise<{ readonly schema: string; readonly name: string }[]> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
  );
  return rows;
}
