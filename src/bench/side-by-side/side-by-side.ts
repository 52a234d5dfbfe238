import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import type { Database } from '../../database/types.ts';
import { createKysely, createPool } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { findAll, installHint, type SearchPlaces } from '../../programs/find.ts';
import { readOnly } from '../measure/station.ts';
import { nearestRank, SAMPLE_FLOORS } from '../statistics/percentiles.ts';
import type { QueryClass, Statement, Suite, SuiteQuery } from '../suite/query.ts';
import { withPgbench } from './pgbench.ts';
import { WAYS, type Way } from './ways.ts';

export interface WayResult {
  readonly samples: number;
  readonly p50Ms: number;
  /** null below 200 samples. */
  readonly p95Ms: number | null;
  readonly perSecond: number;
}

export interface SideBySideQuery {
  readonly name: string;
  readonly class: QueryClass;
  /** null where a way could not be taken; the notes say why. */
  readonly ways: Readonly<Record<Way, WayResult | null>>;
}

/** The same statements with the same values from as many clients, so that a reader sees what each layer costs. */
export interface SideBySide {
  readonly clients: number;
  /** Of its pgbench; null when there is none. */
  readonly pgbenchVersion: string | null;
  readonly queries: readonly SideBySideQuery[];
  readonly notes: readonly string[];
}

export interface SideBySideOptions {
  readonly workspace: ConnectionSettings;
  readonly suite: Suite;
  readonly clients: number;
  /** Timed runs of each query in each way. */
  readonly samples: number;
  /** Where pgbench is looked for. */
  readonly places: SearchPlaces;
}

/** Values that each query is asked with, in turn: pgbench takes a script for each. */
const VARIANTS = 8;
/** The ways take turns, forth and back, so that none has the quieter machine. */
const ROUNDS = 2;

/** Times each query of the suite in all ways. Step: `bench.side-by-side`. @throws what asking throws */
export async function measureSideBySide(options: SideBySideOptions, context: RunContext): Promise<SideBySide> {
  const { workspace, suite, clients } = options;
  const [program] = await findAll('pgbench', options.places);
  const notes =
    program === undefined ? [`pgbench was not found. ${installHint(options.places.environment.platform)}`] : [];
  const connection = readOnly(workspace);
  const pool = await createPool(connection, profiles.bench, { max: clients });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const preparing = await createKysely<Database>(connection, profiles.bench, { max: clients, prepare: true });
  const message = `Asking ${suite.queries.length} queries through Kysely, pg${program ? ' and pgbench' : ''}`;
  try {
    return await asStep(context, 'bench.side-by-side', message, async () => {
      const parameters = await suite.draw(db);
      const queries: SideBySideQuery[] = [];
      for (const query of suite.queries) {
        stopIfInterrupted(context);
        const { ways, note } = await measureQuery(
          query,
          { ...options, parameters, db, preparing, pool, program },
          context,
        );
        if (note !== undefined) notes.push(`${query.name}: ${note}`);
        queries.push({ name: query.name, class: query.class, ways });
        const done = queries.length;
        context.report({
          kind: 'progress',
          step: 'bench.side-by-side',
          done,
          total: suite.queries.length,
          unit: 'items',
        });
      }
      return { clients, pgbenchVersion: program?.version ?? null, queries, notes };
    });
  } finally {
    await preparing.destroy();
    await db.destroy();
  }
}

/** What one way measured in one round. */
export interface WayRound {
  /** ms */
  readonly latencies: readonly number[];
  readonly perSecond: number;
}

type AskRound = (samples: number) => Promise<WayRound>;

async function measureQuery(
  query: SuiteQuery<unknown>,
  options: SideBySideOptions & {
    readonly parameters: unknown;
    readonly db: Kysely<Database>;
    readonly preparing: Kysely<Database>;
    readonly pool: pg.Pool;
    readonly program: Awaited<ReturnType<typeof findAll>>[number] | undefined;
  },
  context: RunContext,
): Promise<{ ways: SideBySideQuery['ways']; note: string | undefined }> {
  const { workspace, parameters, clients, samples, db, preparing, pool, program } = options;
  const build = (turn: number) => query.build(db, parameters, turn % VARIANTS).compile();
  const asApplication = (kysely: Kysely<Database>) =>
    loop((turn) => {
      const { sql, parameters: values } = build(turn);
      return kysely.executeQuery(CompiledQuery.raw(sql, [...values]));
    });
  const statements = Array.from({ length: VARIANTS }, (_, turn): Statement => build(turn));
  const at = (turn: number) => statements[turn % VARIANTS]!;
  const loop = (ask: (turn: number) => Promise<unknown>) => (count: number) => closedLoop(ask, clients, count, context);
  const plain = (turn: number) => ({ text: at(turn).sql, values: [...at(turn).parameters] });
  const inNode: Record<Exclude<Way, 'pgbench'>, AskRound> = {
    kysely: asApplication(db),
    kyselyPrepared: asApplication(preparing),
    pg: loop((turn) => pool.query(plain(turn))),
    pgPrepared: loop((turn) => pool.query({ ...plain(turn), name: nameOf(query, at(turn).sql, statements) })),
  };
  const measure = async (pgbench: AskRound | undefined): Promise<SideBySideQuery['ways']> => {
    const asks: Partial<Record<Way, AskRound>> = { ...inNode, ...(pgbench && { pgbench }) };
    const rounds: Record<Way, WayRound[]> = { kysely: [], kyselyPrepared: [], pg: [], pgPrepared: [], pgbench: [] };
    // Each session has then prepared the statement, and the caches hold its rows.
    for (const ask of Object.values(inNode)) await ask(clients * VARIANTS);
    for (let round = 0; round < ROUNDS; round += 1)
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        const found = await asks[way]?.(Math.ceil(samples / ROUNDS));
        if (found) rounds[way].push(found);
      }
    return {
      kysely: summaryOf(rounds.kysely),
      kyselyPrepared: summaryOf(rounds.kyselyPrepared),
      pg: summaryOf(rounds.pg),
      pgPrepared: summaryOf(rounds.pgPrepared),
      pgbench: summaryOf(rounds.pgbench),
    };
  };
  if (program === undefined) return { ways: await measure(undefined), note: undefined };
  return withPgbench({ program, connection: readOnly(workspace), statements, clients }, context, async (pgbench) =>
    typeof pgbench === 'string'
      ? { ways: await measure(undefined), note: pgbench }
      : { ways: await measure(pgbench), note: undefined },
  );
}

/** Its own name for each text: a name stands for one text in a session. At most 63 bytes count. */
function nameOf({ name }: SuiteQuery<unknown>, sql: string, statements: readonly Statement[]): string {
  return `${statements.findIndex((statement) => statement.sql === sql)} ${name}`.slice(0, 60);
}

/** So many requests from so many clients, each its next after the last. */
async function closedLoop(
  ask: (turn: number) => Promise<unknown>,
  clients: number,
  count: number,
  context: RunContext,
): Promise<WayRound> {
  const latencies: number[] = [];
  let next = 0;
  const began = performance.now();
  const client = async () => {
    while (next < count) {
      stopIfInterrupted(context);
      const turn = next;
      next += 1;
      const started = performance.now();
      await ask(turn);
      latencies.push(performance.now() - started);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: clients }, client));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return { latencies, perSecond: (latencies.length * 1000) / (performance.now() - began) };
}

function summaryOf(rounds: readonly WayRound[]): WayResult | null {
  const sorted = rounds.flatMap(({ latencies }) => latencies).toSorted((a, b) => a - b);
  if (sorted.length === 0) return null;
  const seconds = rounds.reduce((sum, { latencies, perSecond }) => sum + latencies.length / perSecond, 0);
  return {
    samples: sorted.length,
    p50Ms: nearestRank(sorted, 0.5),
    p95Ms: sorted.length < SAMPLE_FLOORS.p95 ? null : nearestRank(sorted, 0.95),
    perSecond: sorted.length / seconds,
  };
}
