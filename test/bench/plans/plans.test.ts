import { beforeAll, describe, expect, it } from '@jest/globals';
import { sql as sqlOf } from 'kysely';
import { Meter } from '../../../src/bench/observe/meter.ts';
import { queryRates } from '../../../src/bench/observe/query-rates.ts';
import { type CaptureOptions, capturePlans } from '../../../src/bench/plans/capture.ts';
import { comparePlans } from '../../../src/bench/plans/compare-plans.ts';
import { describeMissed } from '../../../src/bench/plans/missed-index.ts';
import { renderPlan } from '../../../src/bench/plans/plan-text.ts';
import type { SuiteQuery } from '../../../src/bench/suite/query.ts';
import type { ConnectionSettings } from '../../../src/config/connection.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';

const server = useServer();

/** What the notes of a beam say, and how many of them there are. */
const byBeam: SuiteQuery<unknown> = {
  name: 'by-beam',
  class: 'simple',
  asks: 'the notes of a beam',
  index: 'notes_beam_idx',
  build: (db, _parameters, turn) => ({
    compile: () => sqlOf`select note from notes where beam = ${turn} order by note`.compile(db),
  }),
};
const all: SuiteQuery<unknown> = {
  name: 'all-notes',
  class: 'aggregation',
  asks: 'how many notes there are',
  build: (db) => ({ compile: () => sqlOf`select count(note) from notes`.compile(db) }),
};
const queries = [byBeam, all];

describe('the plans of a benchmark', () => {
  let connection: ConnectionSettings;
  beforeAll(async () => {
    connection = await server.createOwnedDatabase();
    await sql(connection, async (client) => {
      await client.query(`create table notes (id int primary key, beam int not null, note text not null)`);
      await client.query(
        `insert into notes select i, i % 4000, repeat('n', 100) || i from generate_series(1, 20000) i`,
      );
      await client.query('create index notes_beam_idx on notes (beam)');
      await client.query('vacuum analyze notes');
    });
  });
  const capture = (more: Partial<CaptureOptions> = {}) =>
    capturePlans({ connection, queries, parameters: undefined, prepare: true, ...more }, testContext());
  const change = (statement: string) => sql(connection, (client) => client.query(statement));

  it('catch a dropped index and one that a failed build left, and show what is done instead', async () => {
    const before = await capture();
    expect(before.records.map(({ query, verdict, missed }) => [query, verdict, missed])).toEqual([
      ['by-beam', 'pass', null],
      ['all-notes', 'pass', null],
    ]);
    expect(before.records[0]!.variants).toHaveLength(1);
    expect(before.records[0]!.variants[0]!.turns).toEqual([0, 1, 2]);

    await change('drop index notes_beam_idx');
    const after = await capture();
    expect(after.records.map(({ verdict }) => verdict)).toEqual(['fail', 'pass']);
    expect(describeMissed(after.records[0]!)).toBe(
      'missed its index notes_beam_idx (the database has no such index): Seq Scan on notes',
    );
    const [changed, ...others] = comparePlans(before.records, after.records);
    expect(others).toEqual([]);
    const marked = changed!.lines
      .flatMap(({ mark, text }) => (mark === ' ' ? [] : [`${mark} ${text.trim()}`]))
      .join('\n');
    expect(marked).toMatch(/^- .*notes_beam_idx/m);
    expect(marked).toMatch(/^\+ .*Seq Scan on notes/m);

    await change('create index notes_beam_idx on notes (beam)');
    await sql({ ...server.superuser, database: connection.database }, (client) =>
      client.query(`update pg_index set indisvalid = false where indexrelid = 'notes_beam_idx'::regclass`),
    );
    expect((await capture()).records[0]).toMatchObject({ missed: 'invalid', verdict: 'fail' });
    await change('reindex index notes_beam_idx');
  });

  it('do not blame a query that reads a small table whole', async () => {
    await change('create table few (id int, name text); create index few_idx on few (id); analyze few');
    const query = { ...all, index: 'few_idx' };
    const { records } = await capture({ queries: [query] });
    expect(records[0]).toMatchObject({ missed: 'small table', verdict: 'pass' });
    const large = { ...all, index: 'notes_beam_idx' };
    const { records: others } = await capture({ queries: [large] });
    expect(others[0]).toMatchObject({ missed: 'unused', verdict: 'fail' });
  });

  it('are taken where nothing can be written', async () => {
    const writing = {
      ...all,
      build: () => ({ compile: () => ({ sql: 'delete from notes returning id', parameters: [] }) }),
    };
    for (const prepare of [true, false])
      await expect(capture({ queries: [writing], prepare })).rejects.toThrow(/read-only transaction/);
  });

  it('are those that prepared statements come to have: one for all values goes the same way, or misses its index', async () => {
    await change('create index notes_first_idx on notes (note) where beam = 1');
    const first: SuiteQuery<unknown> = {
      ...byBeam,
      name: 'first-notes',
      index: 'notes_first_idx',
      build: (db) => ({ compile: () => sqlOf`select note from notes where beam = ${1} order by note`.compile(db) }),
    };
    const asked = [byBeam, first];
    const planned = (await capture({ queries: asked, prepare: false })).records;
    // As it is where PostgreSQL holds the plan for all values to be no dearer.
    await change(`alter database "${connection.database}" set plan_cache_mode = force_generic_plan`);
    const prepared = (await capture({ queries: asked })).records;
    await change(`alter database "${connection.database}" reset plan_cache_mode`);
    await change('drop index notes_first_idx');

    expect(planned.map(({ variants, verdict }) => [variants[0]!.generic, verdict])).toEqual([
      [false, 'pass'],
      [false, 'pass'],
    ]);
    expect(prepared.map(({ variants, verdict }) => [variants[0]!.generic, verdict])).toEqual([
      [true, 'pass'],
      [true, 'fail'],
    ]);
    expect(prepared[0]!.variants[0]!.hash).toBe(planned[0]!.variants[0]!.hash);
    expect(renderPlan(prepared[0]!.variants[0]!).at(-1)).toMatch(/^prepared, one plan for all values; planned in/);
    expect(prepared[1]!.missed).toBe('unused');
  });

  it('take values as pg sends them', async () => {
    const values = [
      'it’s',
      "a \\ and 'quotes'",
      null,
      new Date(0),
      ['x', null, '"'],
      { a: [1] },
      Buffer.from([0, 255]),
      -1.5,
      true,
    ];
    const types = ['text', 'text', 'int', 'timestamptz', 'text[]', 'jsonb', 'bytea', 'numeric', 'bool'];
    const columns = types.map((type, place) => `$${place + 1}::${type}`);
    const query: SuiteQuery<unknown> = {
      ...all,
      build: () => ({
        compile: () => ({
          sql: `select id from notes where row(${columns}) is distinct from row(${columns}) and id < 0`,
          parameters: values,
        }),
      }),
    };
    const { records } = await capture({ queries: [query] });
    expect(records[0]!.variants).toHaveLength(1);
  });

  /** Runs both queries between two readings, from a session of its own, as the benchmark does. */
  const meter = async (between: () => Promise<unknown> = async () => {}) => {
    const { records, queryIds } = await capture();
    return sql(connection, (observer) =>
      sql(connection, async (worker) => {
        const drain = async () => void (await worker.query('select pg_stat_force_next_flush()'));
        const started = await Meter.start({ observer, drain, queryIds: [...queryIds.values()].flat() });
        for (let turn = 0; turn < 400; turn += 1)
          await worker.query('select note from notes where beam = $1 order by note', [turn]);
        await started.charge('simple');
        await between();
        for (let turn = 0; turn < 20; turn += 1) await worker.query('select count(note) from notes');
        await started.charge('aggregation');
        const reading = await started.finish();
        return { reading, rates: queryRates(records, queryIds, reading) };
      }),
    );
  };

  it('go with rates that are exact by class, and without pg_stat_statements from few runs', async () => {
    const { reading, rates } = await meter();
    expect(reading.total.reset).toBe(false);
    const [simple, aggregation] = [reading.parts.get('simple')!, reading.parts.get('aggregation')!];
    expect(simple.scansOfIndex.notes_beam_idx).toBe(400);
    expect(simple.scansOfTable.notes).toBe(0);
    expect(simple.cacheHitRate).toBeGreaterThan(0.9);
    expect(aggregation.scansOfTable.notes).toBe(20);
    expect(aggregation).toMatchObject({ indexUsage: 0, indexHitRate: null });
    // A plain role may not create the extension.
    expect(reading.statements).toBe('not created');
    expect(rates.get('by-beam')).toMatchObject({ source: 'plan', runs: 1, cacheHitRate: null, indexUsage: 1 });
  });

  it('go with exact rates of each query where pg_stat_statements counts', async () => {
    const superuser = { ...server.superuser, database: connection.database };
    await sql(superuser, (client) => client.query('create extension pg_stat_statements'));
    const { reading, rates } = await meter();
    expect(reading.statementsReset).toBe(false);
    const { source, runs, blocks } = rates.get('by-beam')!;
    expect({ source, runs }).toEqual({ source: 'pg_stat_statements', runs: 400 });
    // Planning looks into the index, too; the extension counts it apart.
    expect(Math.abs(blocks - reading.parts.get('simple')!.blocks)).toBeLessThan(50);
    expect(rates.get('all-notes')).toMatchObject({ source: 'pg_stat_statements', runs: 20, indexUsage: 0 });
    // Counting 20,000 rows takes longer than finding five.
    expect(rates.get('all-notes')!.serverMs).toBeGreaterThan(rates.get('by-beam')!.serverMs!);
  });

  it('discard what was counted when the statistics are reset meanwhile', async () => {
    const superuser = { ...server.superuser, database: connection.database };
    const { reading } = await meter(() => sql(superuser, (client) => client.query('select pg_stat_reset()')));
    expect(reading.total).toMatchObject({ reset: true, cacheHitRate: null, indexHitRate: null, indexUsage: null });
    expect(reading.parts.get('simple')!.reset).toBe(false);
    expect(reading.parts.get('aggregation')).toMatchObject({ reset: true, cacheHitRate: null });
  });
});
