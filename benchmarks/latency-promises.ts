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
 * - of eight clients of Kysely that ask by a schedule, latencies from the scheduled start, at each rate (100,400 by default);
 * - of eight clients that ask as fast as they are answered: Kysely, and the ways side by side, pgbench among them.
 *
 * Ends with 4 when the server alone, or the first of the rates, misses a promise. Run it where nothing else works.
 */
import { loadSuite, measureBench, type QueryClass, type Suite } from '../src/bench/index.ts';
import { compiler } from '../src/bench/plans/capture.ts';
import { PreparedForPlans } from '../src/bench/plans/explain-prepared.ts';
import type { ConnectionSettings } from '../src/config/connection.ts';
import { configSchema } from '../src/config/schema.ts';
import type { Database } from '../src/database/types.ts';
import { connect, createKysely } from '../src/postgres/connect.ts';
import { profiles } from '../src/postgres/profiles.ts';
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
const rates = numbers(process.argv[3] ?? '100,400');

type Slowest = Readonly<Record<QueryClass, { readonly name: string; readonly ms: number }>>;

function slowestOf(
  found: readonly { readonly name: string; readonly class: QueryClass; readonly ms: number }[],
): Slowest {
  const of = (wanted: QueryClass) => found.filter((each) => each.class === wanted).toSorted((a, b) => b.ms - a.ms)[0]!;
  return { simple: of('simple'), complex: of('complex'), aggregation: of('aggregation') };
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
      ms: times.toSorted((a, b) => a - b)[Math.ceil(0.95 * VALUES) - 1]!,
    });
  }
  await client.end();
  return slowestOf(found);
}

await onScratchServer(
  async ({ connection }) => {
    const suite = await loadSuite();
    const objectives = configSchema.parse({}).objectives;
    let kept = true;
    for (const projects of sizes) {
      const options = {
        connection,
        objectives,
        projects,
        clients: CLIENTS,
        samples: SAMPLES,
        maxSamples: SAMPLES,
        keep: true,
      };
      const measure = async (more: Partial<Parameters<typeof measureBench>[0]>) =>
        (await measureBench({ ...options, ...more }, context)).result;
      const p95s = ({ points }: Awaited<ReturnType<typeof measure>>) =>
        slowestOf(points[0]!.queries.map(({ name, class: group, p95 }) => ({ name, class: group, ms: p95!.value })));
      const closed = await measure({ sideBySide: places });
      const database = closed.database;
      console.log(
        `\n${projects.toLocaleString('en')} projects, slowest p95 in ms; promised: ${CLASSES.map((each) => `${each} ${PROMISED_MS[each]}`).join(', ')}`,
      );
      kept = tell('server alone', await serverAlone({ ...connection, database }, suite)) && kept;
      for (const [place, rate] of rates.entries()) {
        const isKept = tell(`Kysely, ${CLIENTS} clients, ${rate} a second`, p95s(await measure({ rate })));
        if (place === 0) kept = isKept && kept;
      }
      tell(`Kysely, ${CLIENTS} clients, closed loop`, p95s(closed));
      for (const [way, name] of [
        ['kyselyPrepared', 'Kysely alone, closed loop'],
        ['pgPrepared', 'pg, prepared, closed loop'],
        ['pgbench', 'pgbench, closed loop'],
      ] as const)
        tell(
          name,
          slowestOf(
            closed.sideBySide!.queries.flatMap(({ ways, ...query }) =>
              ways[way]?.p95Ms ? [{ ...query, ms: ways[way].p95Ms }] : [],
            ),
          ),
        );
    }
    process.exitCode = kept ? 0 : 4;
  },
  { shared_buffers: '256MB' },
);
