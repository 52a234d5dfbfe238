/**
 * What the platform was promised: p95 below 1 ms (simple), 5 ms (complex) and 10 ms (aggregations) at 10,000 projects, with
 * eight clients on two cores, and hardly more at a million.
 *
 *     node benchmarks/latency-promises.ts [sizes] [rates]
 *
 * On a private server with 256 MB of shared buffers, for each size (10k by default; 10k,1m) the slowest p95 of each class:
 *
 * - of the server alone: prepared statements under EXPLAIN (ANALYZE, TIMING OFF), each of 64 values the fastest of nine runs,
 *   with planning where the plan is made anew;
 * - of the server while eight clients of Kysely ask as fast as they are answered: what it logs of each statement
 *   (log_min_duration_statement), parsing, binding and running it with its rows sent;
 * - of these clients, and of pg and pgbench in their place: the same and the wait for one of the two processors, of which
 *   eight clients have none left (8 clients and N answers a second make a mean latency of 8 / N, whatever a query takes);
 * - of eight clients that ask by a schedule, at each rate (200 by default), from the scheduled start.
 *
 * Ends with 4 when the server, alone or under eight clients, misses a promise. Run it where nothing else works.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  type BenchOptions,
  type BenchResult,
  loadSuite,
  measureBench,
  type QueryClass,
  type Suite,
} from '../src/bench/index.ts';
import { compiler } from '../src/bench/plans/capture.ts';
import { PreparedForPlans } from '../src/bench/plans/explain-prepared.ts';
import type { ConnectionSettings } from '../src/config/connection.ts';
import { configSchema } from '../src/config/schema.ts';
import type { Database } from '../src/database/types.ts';
import { connect, createKysely } from '../src/postgres/connect.ts';
import { profiles } from '../src/postgres/profiles.ts';
import { statementName } from '../src/postgres/statement-names.ts';
import { context, onScratchServer, places } from './peers/support.ts';

const PROMISED_MS: Readonly<Record<QueryClass, number>> = { simple: 1, complex: 5, aggregation: 10 };
const CLASSES = Object.keys(PROMISED_MS) as QueryClass[];
const VALUES = 64;
const RUNS = 9;
const CLIENTS = 8;
const SAMPLES = 1000;

const numbers = (text: string) =>
  text.split(',').map((each) => Number(each.replace('k', '000').replace('m', '000000')));
const sizes = numbers(process.argv[2] ?? '10k');
const rates = numbers(process.argv[3] ?? '200');

type Slowest = Readonly<Record<QueryClass, { readonly name: string; readonly ms: number }>>;

function slowestOf(
  found: readonly { readonly name: string; readonly class: QueryClass; readonly ms: number }[],
): Slowest {
  const of = (wanted: QueryClass) => found.filter((each) => each.class === wanted).toSorted((a, b) => b.ms - a.ms)[0]!;
  return { simple: of('simple'), complex: of('complex'), aggregation: of('aggregation') };
}

function p95Of(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(0.95 * times.length) - 1]!;
}

function tell(what: string, slowest: Slowest): boolean {
  const cells = CLASSES.map((each) => `${slowest[each].ms.toFixed(2).padStart(8)}  ${slowest[each].name.padEnd(28)}`);
  console.log(`${what.padEnd(34)}${cells.join(' ')}`);
  return CLASSES.every((each) => slowest[each].ms < PROMISED_MS[each]);
}

/** p95 of the values, of planning and running. */
async function serverAlone(connection: ConnectionSettings, suite: Suite): Promise<Slowest> {
  const db = await createKysely<Database>(connection, profiles.bench, { max: 1 });
  const parameters = await suite.draw(db).finally(() => db.destroy());
  const client = await connect(connection, profiles.bench);
  const found = [];
  for (const query of suite.queries) {
    const prepared = new PreparedForPlans(client);
    const statementOf = (turn: number) => query.build(compiler, parameters, turn).compile();
    const times: number[] = [];
    for (let turn = 0; turn < VALUES; turn += 1) {
      const execute = await prepared.settled(turn, statementOf);
      let fastest = Number.POSITIVE_INFINITY;
      for (let run = 0; run < RUNS; run += 1) {
        const { rows } = await client.query(`explain (analyze, timing off, format json) ${execute}`);
        const [plan] = rows[0]['QUERY PLAN'] as [{ 'Planning Time': number; 'Execution Time': number }];
        fastest = Math.min(fastest, plan['Planning Time'] + plan['Execution Time']);
      }
      times.push(fastest);
    }
    await prepared.close();
    found.push({
      name: query.name,
      class: query.class,
      ms: p95Of(times),
    });
  }
  await client.end();
  return slowestOf(found);
}

/** p95 of what the server logs of each statement from `offset` on: the durations of its parse, bind and execute together. */
async function serverLogged(
  connection: ConnectionSettings,
  suite: Suite,
  log: string,
  offset: number,
): Promise<Slowest> {
  const db = await createKysely<Database>(connection, profiles.bench, { max: 1 });
  const parameters = await suite.draw(db).finally(() => db.destroy());
  const queries = new Map(
    suite.queries.map((query) => [statementName(query.build(compiler, parameters, 0).compile().sql), query]),
  );
  const begun = new Map<string, number>();
  const times = new Map<string, number[]>(suite.queries.map(({ name }) => [name, []]));
  for await (const line of createInterface({ input: createReadStream(log, { start: offset }) })) {
    const found = /^(\d+) LOG: {2}duration: ([\d.]+) ms {2}(parse|bind|execute) (structdb_\w+)/.exec(line);
    const query = found && queries.get(found[4]!);
    if (!query) continue;
    const [, session, text, step, name] = found;
    const ms = (begun.get(`${session} ${name}`) ?? 0) + Number(text);
    begun.set(`${session} ${name}`, step === 'execute' ? 0 : ms);
    if (step === 'execute') times.get(query.name)!.push(ms);
  }
  return slowestOf(
    suite.queries.map(({ name, class: group }) => ({ name, class: group, ms: p95Of(times.get(name)!) })),
  );
}

const ROWS = [
  ['kyselyPrepared', 'Kysely, one query at a time'],
  ['pgPrepared', 'pg, one query at a time'],
  ['pgbench', 'pgbench, one query at a time'],
] as const;

await onScratchServer(
  async ({ connection, directory }) => {
    const suite = await loadSuite();
    const objectives = configSchema.parse({}).objectives;
    const log = path.join(directory, 'server.log');
    const server = await connect(connection, profiles.bench);
    const setLogging = async (limit: number) => {
      await server.query(`alter system set log_min_duration_statement = ${limit}`);
      await server.query('select pg_reload_conf()');
    };
    let kept = true;
    for (const projects of sizes) {
      const amount = { projects, clients: CLIENTS, samples: SAMPLES, maxSamples: SAMPLES, keep: true };
      const measure = async (more: Partial<BenchOptions>) =>
        (await measureBench({ connection, objectives, ...amount, ...more }, context)).result;
      const p95s = ({ points }: BenchResult) =>
        slowestOf(points[0]!.queries.map(({ name, class: group, p95 }) => ({ name, class: group, ms: p95!.value })));
      const closed = await measure({ sideBySide: places });
      const workspace = { ...connection, database: closed.database };
      const { size: offset } = await stat(log);
      await setLogging(0);
      await measure({});
      await setLogging(-1);
      console.log(
        `\n${projects.toLocaleString('en')} projects, slowest p95 in ms; promised: ${CLASSES.map((each) => `${each} ${PROMISED_MS[each]}`).join(', ')}`,
      );
      kept = tell('server alone', await serverAlone(workspace, suite)) && kept;
      kept = tell(`server, under ${CLIENTS} clients`, await serverLogged(workspace, suite, log, offset)) && kept;
      tell(`Kysely, ${CLIENTS} clients`, p95s(closed));
      for (const [way, name] of ROWS)
        tell(
          name,
          slowestOf(
            closed.sideBySide!.queries.flatMap(({ ways, ...query }) =>
              ways[way]?.p95Ms ? [{ ...query, ms: ways[way].p95Ms }] : [],
            ),
          ),
        );
      for (const rate of rates) tell(`Kysely, ${CLIENTS} clients, ${rate} a second`, p95s(await measure({ rate })));
    }
    await server.end();
    process.exitCode = kept ? 0 : 4;
  },
  { shared_buffers: '256MB', log_line_prefix: '%p ' },
);
