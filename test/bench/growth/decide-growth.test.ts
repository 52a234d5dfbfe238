import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type BenchOptions, type BenchResult, judgeBench, listSeeded, measureBench } from '../../../src/bench/index.ts';
import { type ConnectionSettings, withDatabase } from '../../../src/config/connection.ts';
import { configSchema } from '../../../src/config/schema.ts';
import type { ProgressEvent } from '../../../src/core/progress.ts';
import { temporaryRoot } from '../../../src/programs/own-directory.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';

const server = useServer();
const projectRoot = mkdtempSync(path.join(temporaryRoot(), 'structdb-growth-'));
afterAll(() => rmSync(projectRoot, { recursive: true, force: true }));

/**
 * Each turn sleeps a short or a long time, and a little more than half of them the short one: whatever the machine, the
 * interval of the median reaches from the short ones to the long ones while there are few samples, and no longer when there
 * are enough. Of 200 its upper end is the 115th, of 400 the 221st.
 */
interface Turns {
  /** Of a hundred turns: with 57 they are 114 of 200 and 228 of 400, with 54 they are 108 and 216. */
  readonly short: number;
  readonly longMs: number;
}
const DECIDED_BY_400: Turns = { short: 57, longMs: 30 };
const UNDECIDED_AT_400: Turns = { short: 54, longMs: 60 };

const STEADY = `
-- name: steady
select pg_sleep(:pause::text::float8) from projects limit 1;
`;
/** Four times as long where there are more than 100 projects. */
const SLOWING = `
-- name: slowing
select pg_sleep(:pause::text::float8 * case when count(*) > 100 then 4 else 1 end) from projects;
`;

function suite(name: string, { short, longMs }: Turns, ...queries: readonly string[]): Pick<BenchOptions, 'sources'> {
  const file = path.join(projectRoot, `${name}.sql`);
  const isShort = `(turn + 1) * ${short} / 100 > turn * ${short} / 100`;
  const draw = `-- draw pause: select case when ${isShort} then 0.004 else ${longMs / 1000} end from generate_series(0, 99) turn order by turn\n`;
  writeFileSync(file, [draw, ...queries].join(''));
  return { sources: { suites: [file], projectRoot } };
}

const both = suite('both', DECIDED_BY_400, STEADY, SLOWING);
const steady = suite('steady', DECIDED_BY_400, STEADY);
const endless = suite('endless', UNDECIDED_AT_400, STEADY);
/** The targets of latencies are not what is tried here. */
const objectives = { ...configSchema.parse({}).objectives, simpleFilters: 60_000, simpleGrowth: 1.75 };
const amount = { objectives, projects: [10, 1000], clients: 8, samples: 200, maxSamples: 6400 };

async function databases(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database
       where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = current_user`,
    );
    return rows.map(({ name }) => name);
  });
}

/** Steps as they begin. */
const begun = (events: readonly ProgressEvent[]) => events.flatMap((event) => (event.kind === 'step' ? [event] : []));

function samplesOf({ points }: BenchResult): Record<string, number[]> {
  const names = points[0]!.queries.map(({ name }) => name);
  return Object.fromEntries(
    names.map((name) => [
      name,
      points.map(({ queries }) => queries.find((query) => query.name === name)?.samples ?? 0),
    ]),
  );
}

const verdictsOf = ({ growth }: BenchResult) =>
  Object.fromEntries(growth.withData.map(({ name, at, verdict }) => [`${name} ${at}`, verdict]));

describe('a growth that the samples leave undecided', () => {
  it('is decided by going on at the smallest and the largest size, whose databases are then dropped', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const { result, raw } = await measureBench({ connection, ...amount, ...both, projects: [1000, 100, 10] }, context);
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'pass', 'slowing 8': 'fail' });
    expect(result.growth.furtherRounds).toBeGreaterThanOrEqual(1);
    const samples = samplesOf(result);
    for (const [small, between, large] of Object.values(samples)) {
      expect(between).toBe(200);
      expect(small).toBeGreaterThanOrEqual(400);
      expect(large).toBe(small);
    }
    // What is told, stored and judged comes of the same samples.
    for (const [place, point] of result.points.entries()) {
      expect(point.furtherRounds).toBe(0);
      for (const query of point.queries) {
        const stored = raw[place]!.find(({ name }) => name === query.name)!;
        expect([stored.us.length, stored.blocks.length]).toEqual([query.samples, query.blockMedians.length]);
        const step = result.growth.withData.find(({ name }) => name === query.name)!.steps[place]!;
        expect(step).toEqual({ size: point.data.projects, p50: query.p50 });
      }
    }
    const steps = begun(context.events);
    expect(steps.at(-3)).toMatchObject({
      step: 'bench.growth',
      message: 'Timing further what growth leaves undecided with 8 clients: steady, slowing',
    });
    // That of the size between is gone before the largest is filled; the smallest stays to the end.
    const names = steps.filter(({ step }) => step === 'bench.prepare').map(({ message }) => message.split(' ').at(-1));
    const ofDatabases = steps.filter(({ step }) => step === 'bench.prepare' || step === 'bench.drop');
    expect(ofDatabases.map(({ step, message }) => [step, names.indexOf(message.split(' ').at(-1))])).toEqual([
      ['bench.prepare', 0],
      ['bench.prepare', 1],
      ['bench.drop', 1],
      ['bench.prepare', 2],
      ['bench.drop', 2],
      ['bench.drop', 0],
    ]);
    expect(await databases(connection)).toEqual([]);
  });

  it('stays undecided at --max-samples, with 6; what is kept is used as it is and stays', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const kept = { connection, ...amount, ...endless, maxSamples: 400, keep: true };
    await measureBench({ ...kept, samples: 1, maxSamples: 1, clients: 1 }, testContext());
    const { result } = await measureBench(kept, testContext());
    expect(result.points.map(({ data }) => data.reused)).toEqual([true, true]);
    expect(samplesOf(result)).toEqual({ steady: [400, 400] });
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'inconclusive' });
    expect(result.growth.furtherRounds).toBe(1);
    expect(judgeBench(result)).toMatchObject({
      code: 'BENCH_INCONCLUSIVE',
      exitCode: 6,
      details: expect.arrayContaining([expect.stringMatching(/^steady: .* × slower .* from 10 to 1,000 projects/)]),
    });
    const left = await listSeeded(connection, testContext());
    expect(left.map(({ projects, inUse }) => [projects, inUse])).toEqual([
      [1000, false],
      [10, false],
    ]);
  });

  it('goes on at each number of clients, also in an open loop', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const options = { ...amount, ...steady, clients: [10, 8], rate: 200 };
    const { result } = await measureBench({ connection, ...options }, context);
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'pass', 'steady 10': 'pass' });
    expect(result.growth.furtherRounds).toBeGreaterThanOrEqual(2);
    for (const { loop, queries } of result.points) expect(loop).toMatchObject({ requests: queries[0]!.samples });
    const messages = begun(context.events).flatMap(({ step, message }) => (step === 'bench.growth' ? [message] : []));
    expect(messages).toEqual([
      'Timing further what growth leaves undecided with 8 clients: steady',
      'Timing further what growth leaves undecided with 10 clients: steady',
    ]);
  });

  it('cannot go on in a database of the caller’s, which is emptied between the sizes, and says what helps', async () => {
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    const options = { connection, into: connection.database, ...amount, ...endless };
    const { result } = await measureBench(options, context);
    expect(begun(context.events).map(({ step }) => step)).not.toContain('bench.growth');
    expect(result.growth).not.toHaveProperty('furtherRounds');
    expect(samplesOf(result)).toEqual({ steady: [200, 200] });
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'inconclusive' });
    // Hit rates are not what is tried here: so few queries read too few blocks.
    const points = result.points.map((point) => ({ ...point, rates: [] }));
    expect(judgeBench({ ...result, points })?.hint).toContain('without --into');
  });

  it('on Ctrl-C gives what was measured until then, and drops every database', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const report = (event: ProgressEvent) => {
      context.report(event);
      if (event.kind === 'progress' && event.step === 'bench.growth') context.interrupt();
    };
    const { result, raw } = await measureBench({ connection, ...amount, ...endless }, { ...context, report });
    expect(result.complete).toBe(false);
    expect(judgeBench(result)?.code).toBe('INTERRUPTED');
    expect(samplesOf(result)).toEqual({ steady: [300, 200] });
    expect(raw.map((queries) => queries.map(({ us }) => us.length))).toEqual([[300], [200]]);
    expect(await databases(connection)).toEqual([]);
  });

  it('whose query fails meanwhile ends the run, and drops every database', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    let broken: Promise<unknown> | undefined;
    const report = (event: ProgressEvent) => {
      const isGrowth = event.kind === 'progress' && event.step === 'bench.growth';
      if (isGrowth) broken ??= breakAll(connection);
    };
    const failing = measureBench({ connection, ...amount, ...endless }, { ...context, report });
    await expect(failing).rejects.toMatchObject({ code: 'BENCH_QUERY_FAILED' });
    await broken;
    expect(await databases(connection)).toEqual([]);
  });
});

async function breakAll(connection: ConnectionSettings): Promise<void> {
  for (const database of await databases(connection)) {
    await sql(withDatabase(connection, database), (client) => client.query('alter table projects rename to gone'));
  }
}
