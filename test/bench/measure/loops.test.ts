import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Kysely, sql } from 'kysely';
import { runClosedLoop } from '../../../src/bench/measure/closed-loop.ts';
import { Crew, type CrewOptions } from '../../../src/bench/measure/crew.ts';
import { runOpenLoop } from '../../../src/bench/measure/open-loop.ts';
import type { Load } from '../../../src/bench/measure/request.ts';
import { readOnly } from '../../../src/bench/measure/station.ts';
import { type Stretch, WHOLE } from '../../../src/bench/measure/stretch.ts';
import { TimedRun } from '../../../src/bench/measure/timed-run.ts';
import { tryQueries } from '../../../src/bench/measure/try-queries.ts';
import { warmUp } from '../../../src/bench/measure/warm-up.ts';
import { watchOtherLoad } from '../../../src/bench/observe/other-load.ts';
import { loadSuite } from '../../../src/bench/suite/load-suite.ts';
import type { SuiteQuery } from '../../../src/bench/suite/query.ts';
import type { Database } from '../../../src/database/types.ts';
import { createKysely } from '../../../src/postgres/connect.ts';
import { profiles } from '../../../src/postgres/profiles.ts';
import { until, useServer, sql as withPlainClient } from '../../support/postgres.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const server = useServer();
const never = new AbortController().signal;
const options = { share: WHOLE, shiftMs: 0, signal: never };

function query(name: string, text: string): SuiteQuery<unknown> {
  return {
    ...{ name, class: 'simple', asks: name },
    build: (db) => ({ compile: () => sql.raw(text).compile(db as Kysely<unknown>) }),
  };
}

async function withLoad<T>(texts: readonly string[], clients: number, work: (load: Load) => Promise<T>): Promise<T> {
  const db = await createKysely<Database>(readOnly(server.superuser), profiles.bench, { max: clients });
  try {
    const queries = texts.map((text, place) => query(`q${place}`, text));
    return await work({ db, queries, parameters: {}, clients });
  } finally {
    await db.destroy();
  }
}

function stretch(turns: readonly number[], more: Partial<Stretch> = {}): Stretch {
  const first = { firstBlock: 0, firstTurn: 0, seed: 1 };
  return { places: [0], turns, ...first, ratePerSecond: null, limitMs: null, ...more };
}

const RATE = 200;
const open = (turns: readonly number[], more: Partial<Stretch> = {}) => ({
  ...stretch(turns, more),
  ratePerSecond: RATE,
});

describe('a closed loop', () => {
  it('never has more under way than clients, and leaves out what would have come meanwhile', async () => {
    const records = await withLoad(['select pg_sleep(0.02)'], 2, (load) =>
      runClosedLoop(load, stretch([6, 4]), options),
    );
    expect(records.count).toBe(10);
    expect([...records.blocks]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    for (let row = 2; row < 10; row += 1) {
      // Two requests before it have begun, and the third waited until one of them was answered.
      expect(records.starts[row]! - records.starts[row - 2]!).toBeGreaterThanOrEqual(19);
    }
    expect(Math.max(...records.waits.map((wait, row) => wait - records.latencies[row]!))).toBeLessThan(0);
  });

  it('gives what it has when it is stopped, or its time is up', async () => {
    await withLoad(['select pg_sleep(0.01)'], 1, async (load) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      const stopped = await runClosedLoop(load, stretch([100_000]), { ...options, signal: stop.signal });
      expect(stopped.count).toBeGreaterThanOrEqual(1);
      expect(stopped.count).toBeLessThan(100_000);
      expect(Math.min(...stopped.latencies.subarray(0, stopped.count))).toBeGreaterThanOrEqual(9);
      const limited = await runClosedLoop(load, stretch([100_000], { limitMs: 50 }), options);
      expect(limited.count).toBeGreaterThanOrEqual(1);
      expect(limited.count).toBeLessThan(100_000);
    });
  });
});

describe('an open loop', () => {
  it('counts latency from the scheduled start, so that a server that is too slow is seen to fall behind', async () => {
    // 40 requests in 0.2 s for one connection that needs 0.4 s at least: the last one waits for all before it.
    const { records, lag } = await withLoad(['select pg_sleep(0.01)'], 1, (load) =>
      runOpenLoop(load, open([40]), options),
    );
    expect(records.count).toBe(40);
    const schedule = records.starts[39]! - records.starts[0]!;
    expect(records.latencies[39]!).toBeGreaterThanOrEqual(40 * 9.5 - schedule - 20);
    expect(records.latencies[39]! - records.waits[39]!).toBeGreaterThanOrEqual(9);
    expect(lag).toMatchObject({ requests: 40, notBegun: 0 });
    expect(lag.late).toBeGreaterThan(20);
    expect(lag.maxMs).toBeGreaterThan(100);
    expect(lag.mostQueued).toBeGreaterThan(5);
  });

  it('begins by the schedule of its seed, whatever the number of workers', async () => {
    const starts = await withLoad(['select 1'], 2, async (load) => {
      const whole = await runOpenLoop(load, open([30]), options);
      const halves = await Promise.all(
        [0, 1].map((index) => runOpenLoop(load, open([30]), { ...options, share: { index, of: 2 } })),
      );
      const gaps = (values: readonly number[]) => values.map((at) => Math.round((at - values[0]!) * 1000));
      return {
        whole: gaps([...whole.records.starts]).filter((_, row) => row % 2 === 0),
        half: gaps([...halves[0]!.records.starts]),
        counts: halves.map(({ records }) => records.count),
      };
    });
    expect(starts.half).toEqual(starts.whole);
    expect(starts.counts).toEqual([15, 15]);
  });

  it('tells how many had not begun when it was stopped although their time had come', async () => {
    const few = await withLoad(['select pg_sleep(0.01)'], 1, (load) =>
      runOpenLoop(load, open([100_000], { limitMs: 60 }), options),
    );
    expect(few.lag.notBegun).toBeGreaterThan(0);
    expect(few.records.count + few.lag.notBegun).toBeLessThan(100_000);
    // Those of later are nobody's fault: the one whose time comes with the end may be among them.
    const all = await withLoad(['select 1'], 2, (load) =>
      runOpenLoop(load, { ...open([100_000], { limitMs: 60 }), ratePerSecond: 50 }, options),
    );
    expect(all.lag.notBegun).toBeLessThan(2);
  });
});

describe('a timed run', () => {
  const suite = {
    name: 'two',
    draw: async () => ({}),
    queries: [query('plain', 'select 1'), { ...query('heavy', 'select 2'), class: 'aggregation' as const }],
  };

  async function withCrew<T>(work: (crew: Crew) => Promise<T>, more: Partial<CrewOptions> = {}): Promise<T> {
    const connection = server.superuser;
    const options = { connection, suite, parameters: {}, clients: 2, prepare: true, workers: 1 };
    const crew = await Crew.open({ ...options, ...more });
    try {
      return await work(crew);
    } finally {
      await crew.close();
    }
  }

  const { queries } = suite;
  const plan = { queries, samples: 20, seed: 1, ratePerSecond: null, signal: never, onProgress: () => {} };

  it.each([1, 2])(
    'asks with prepared statements, once it is warm, from %i threads, or without where it is told to',
    async (workers) => {
      // Divides by zero in a session that has not prepared the other.
      const divided = `select 1 / (select count(*) from pg_prepared_statements where statement like '%others%') as quotient`;
      const projectRoot = await scratchDirectory();
      await writeFile(
        path.join(projectRoot, 's.sql'),
        `-- name: first\nselect 1 as others;\n-- name: second\n${divided};\n`,
      );
      const prepared = await loadSuite({ suites: ['s.sql'], projectRoot });
      const warmThenAsk = async (crew: Crew) => {
        const first = { ...stretch([64]), places: [0] };
        await crew.run(first, never);
        return crew.run({ ...first, places: [1], turns: [8] }, never);
      };
      const how = { suite: prepared, workers };
      expect((await withCrew(warmThenAsk, how)).parts.reduce((sum, { count }) => sum + count, 0)).toBe(8);
      await expect(withCrew(warmThenAsk, { ...how, prepare: false })).rejects.toThrow(/division by zero/);
    },
  );

  it('runs the classes in turn in each of ten blocks, and later blocks of what is chosen', async () => {
    await withCrew(async (crew) => {
      const phases: string[] = [];
      const run = new TimedRun({ ...plan, crew });
      await run.main(Number.POSITIVE_INFINITY, async (phase) => void phases.push(phase));
      expect(phases).toEqual(Array.from({ length: 10 }, () => ['simple', 'aggregation']).flat());
      await run.further([1], 5, Number.POSITIVE_INFINITY);
      expect([...new Set(run.of(0).blocks)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect([...run.of(1).blocks].slice(20)).toEqual([10, 11, 11, 12, 12]);
      expect([...run.of(1).starts]).toEqual([...run.of(1).starts].toSorted((a, b) => a - b));
      expect(run.busy().map(({ phase }) => phase)).toEqual(['simple', 'aggregation']);
    });
  });

  it('keeps what was measured when it is interrupted', async () => {
    await withCrew(async (crew) => {
      const stop = new AbortController();
      const run = new TimedRun({ ...plan, crew, samples: 100, signal: stop.signal, onProgress: () => stop.abort() });
      await run.main(Number.POSITIVE_INFINITY);
      expect([run.of(0).latencies.length, run.of(1).latencies.length]).toEqual([10, 0]);
    });
  });

  it('warms up in rounds, and ends when its time is up', async () => {
    await withCrew(async (crew) => {
      const warm = await warmUp(crew, queries, Number.MAX_SAFE_INTEGER, never);
      expect(warm.rounds).toBeGreaterThanOrEqual(2);
      expect(warm.rounds).toBeLessThanOrEqual(12);
      expect(warm.busy).toBeGreaterThan(0);
      expect(await warmUp(crew, queries, 0, never)).toMatchObject({ rounds: 1, steady: false });
    });
  });
});

describe('a query of a suite', () => {
  const tried = (text: string) => withLoad(['select 1', text], 1, (load) => tryQueries(load, { signal: never }));

  it.each([
    ['that the server refuses', 'select no_such_column', /"q1" failed in turn 0: .*no_such_column.*SQLSTATE 42703/],
    ['whose values are wrong', "select 'x'::int", /"q1" failed.*invalid input syntax.*SQLSTATE 22P02/],
  ])('%s is named with the SQLSTATE', async (_, text, message) => {
    await expect(tried(text)).rejects.toMatchObject({ code: 'BENCH_QUERY_FAILED', exitCode: 1 });
    await expect(tried(text)).rejects.toThrow(message);
  });

  it.each(['create table t (id int)', 'do $$ begin create table t (id int); end $$', 'select * from pg_am for update'])(
    'that writes is named: %s',
    async (text) => {
      const failure = tried(text);
      await expect(failure).rejects.toMatchObject({ code: 'BENCH_QUERY_WRITES', exitCode: 1 });
      await expect(failure).rejects.toThrow(/"q1" writes: .*SQLSTATE 25006/);
    },
  );

  it('that cannot be built is named', async () => {
    await withLoad(['select 1'], 1, async (load) => {
      const build = () => {
        throw new TypeError('projects is undefined');
      };
      const broken = { ...load, queries: [{ ...load.queries[0]!, build }] };
      await expect(tryQueries(broken, { signal: never })).rejects.toThrow(
        '"q0" failed in turn 0: projects is undefined.',
      );
    });
  });

  it('that fails in the middle of a loop ends the loop', async () => {
    const failing = withLoad(['select 1 / 0'], 2, (load) => runClosedLoop(load, stretch([1000]), options));
    await expect(failing).rejects.toMatchObject({ code: 'BENCH_QUERY_FAILED' });
    const open1 = withLoad(['select 1 / 0'], 2, (load) => runOpenLoop(load, open([1000]), options));
    await expect(open1).rejects.toMatchObject({ code: 'BENCH_QUERY_FAILED' });
  });
});

describe('other work of the server', () => {
  it('is seen, with who does it; a session that sleeps is none', async () => {
    const other = await server.createDatabase();
    await withPlainClient(other, async (busy) => {
      const { rows } = await busy.query<{ pid: number }>('select pg_backend_pid() as pid');
      const working = busy.query('select count(*) from generate_series(1, 1e12::bigint)').catch(() => {});
      const mine = `select from pg_stat_activity where pid = ${rows[0]!.pid} and state = 'active' and wait_event is null`;
      await until(server.superuser, mine);
      await withPlainClient(server.superuser, async (observer) => {
        const seen = await watchOtherLoad(observer, 'none of these').stop();
        expect(seen.looks).toBeGreaterThanOrEqual(1);
        expect(seen.who).toContain(`role "postgres" in database "${other.database}"`);
        // Its own database is that of the benchmark.
        const own = await watchOtherLoad(observer, other.database).stop();
        expect(own.who).not.toContain(`role "postgres" in database "${other.database}"`);
        await observer.query('select pg_cancel_backend($1)', [rows[0]!.pid]);
      });
      await working;
      const asleep = busy.query('select pg_sleep(60)').catch(() => {});
      await until(
        server.superuser,
        `select from pg_stat_activity where pid = ${rows[0]!.pid} and wait_event = 'PgSleep'`,
      );
      await withPlainClient(server.superuser, async (observer) => {
        const seen = await watchOtherLoad(observer, 'none of these').stop();
        expect(seen.who).not.toContain(`role "postgres" in database "${other.database}"`);
        await observer.query('select pg_cancel_backend($1)', [rows[0]!.pid]);
      });
      await asleep;
    });
  });
});
