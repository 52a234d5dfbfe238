import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import type { Database } from '../../database/types.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { readSchemaFacts, type SchemaFacts } from '../observe/schema-facts.ts';
import type { Statement, SuiteQuery } from '../suite/query.ts';
import { type RawNode, reducePlan } from './explain.ts';
import { PreparedForPlans } from './explain-prepared.ts';
import { missedIndex, usesIndex } from './missed-index.ts';
import type { PlanRecord, PlanVariant } from './plan-record.ts';
import { hashPlan } from './shape.ts';

/** Turns whose plans are taken of each query. */
const TURNS = 3;
/** Turns that are looked at before a query is told to miss its index: the first values may be unusual ones. */
const MOST_TURNS = 10;
/** A query that runs this long has told enough by its first plan. */
const SLOW_MS = 1000;
/** Looking at the clock for every row makes a query up to twice as slow as it is. */
const PROFILE = { ...profiles.bench, applicationName: 'structdb bench plans', statementTimeoutMs: 120_000 };

export interface CaptureOptions {
  readonly connection: ConnectionSettings;
  readonly queries: readonly SuiteQuery<unknown>[];
  /** What the suite drew. */
  readonly parameters: unknown;
  /** Takes the plans that prepared statements have when they have been asked for a while. */
  readonly prepare: boolean;
}

export interface CapturedPlans {
  readonly records: readonly PlanRecord[];
  /** What pg_stat_statements counts each query under; none when the server does not compute it. */
  readonly queryIds: ReadonlyMap<string, readonly string[]>;
  readonly facts: SchemaFacts;
}

/**
 * Runs each query a few times under EXPLAIN, outside the timed phase, in transactions that can write nothing, with the
 * values of its first turns. Step: `bench.plans`.
 */
export async function capturePlans(
  { connection, queries, parameters, prepare }: CaptureOptions,
  context: RunContext,
): Promise<CapturedPlans> {
  return asStep(context, 'bench.plans', `Taking the plans of ${queries.length} queries`, () =>
    withClient(connection, PROFILE, context, async (client) => {
      const facts = await readSchemaFacts(client);
      const records: PlanRecord[] = [];
      const queryIds = new Map<string, readonly string[]>();
      for (const query of queries) {
        const statementOf = (turn: number) => query.build(compiler, parameters, turn).compile();
        const prepared = prepare ? new PreparedForPlans(client) : undefined;
        const explained: Explained[] = [];
        for (let turn = 0; goesOn(query, explained, facts); turn += 1) {
          stopIfInterrupted(context);
          explained.push(await explain(client, turn, statementOf, prepared));
        }
        await prepared?.close();
        records.push(recordOf(query, explained, facts));
        queryIds.set(query.name, [...new Set(explained.flatMap(({ queryId }) => queryId ?? []))]);
      }
      // Otherwise this session would hand in what it counted while the queries are timed.
      await client.query('select pg_stat_force_next_flush()');
      return { records, queryIds, facts };
    }),
  );
}

/** Writes statements and is never connected. */
export const compiler = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

interface Explained {
  readonly variant: PlanVariant;
  readonly settings: Readonly<Record<string, string>>;
  /** Digits of a signed 64-bit number. */
  readonly queryId: string | undefined;
}

function goesOn({ index }: SuiteQuery<unknown>, explained: readonly Explained[], facts: SchemaFacts): boolean {
  if (explained.some(({ variant }) => variant.executionMs > SLOW_MS)) return false;
  if (explained.length < TURNS) return true;
  if (index === undefined || explained.length >= MOST_TURNS) return false;
  const variants = explained.map(({ variant }) => variant);
  return facts.indexes.some(({ name }) => name === index) && !usesIndex(variants, index);
}

async function explain(
  client: pg.Client,
  turn: number,
  statementOf: (turn: number) => Statement,
  prepared: PreparedForPlans | undefined,
): Promise<Explained> {
  const { sql, parameters } = statementOf(turn);
  await client.query('begin read only');
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>({
      text: `explain (analyze, buffers, settings, verbose, format json) ${(await prepared?.settled(turn, statementOf)) ?? sql}`,
      values: prepared ? [] : [...parameters],
      // As text: JSON.parse would round the query's identifier.
      types: { getTypeParser: () => (value: string | Buffer) => String(value) },
    });
    return readExplained(rows[0]!['QUERY PLAN'], turn, (await prepared?.wasGeneric(sql)) ?? false);
  } finally {
    await client.query('rollback');
  }
}

function readExplained(text: string, turn: number, generic: boolean): Explained {
  const [answer] = JSON.parse(text) as [
    {
      readonly Plan: RawNode;
      readonly Settings?: Readonly<Record<string, string>>;
      readonly 'Planning Time': number;
      readonly 'Execution Time': number;
    },
  ];
  const root = reducePlan(answer.Plan);
  return {
    variant: {
      hash: hashPlan(root),
      turns: [turn],
      generic,
      root,
      planningMs: answer['Planning Time'],
      executionMs: answer['Execution Time'],
    },
    settings: answer.Settings ?? {},
    queryId: /"Query Identifier": (-?\d+)/.exec(text)?.[1],
  };
}

function recordOf(query: SuiteQuery<unknown>, explained: readonly Explained[], facts: SchemaFacts): PlanRecord {
  const variants: PlanVariant[] = [];
  for (const { variant } of explained) {
    const place = variants.findIndex(({ hash }) => hash === variant.hash);
    if (place < 0) variants.push(variant);
    else variants[place] = { ...variants[place]!, turns: [...variants[place]!.turns, ...variant.turns] };
  }
  const missed = query.index === undefined ? null : missedIndex(query.index, variants, facts);
  return {
    query: query.name,
    index: query.index ?? null,
    variants,
    settings: explained[0]?.settings ?? {},
    missed,
    verdict: missed === null || missed === 'small table' ? 'pass' : 'fail',
  };
}
