import { describe, expect, it } from '@jest/globals';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { buildSuite } from '../../../src/bench/suite/build-suite.ts';
import { suiteSchema } from '../../../src/bench/suite/suite-schema.ts';
import type { Database } from '../../../src/database/types.ts';

const db = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (inner) => new PostgresIntrospector(inner),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

async function build(query: object) {
  const checked = suiteSchema.parse({ queries: [{ name: 'mine', ...query }] });
  const { suite } = await buildSuite(checked, { name: 's', file: 'benchmarks/s.ts' });
  return suite.queries[0]!;
}

describe('buildSuite', () => {
  it('gives what is not said its default', async () => {
    expect(await build({ sql: 'select 1' })).toEqual({
      name: 'mine',
      class: 'simple',
      asks: 'mine',
      build: expect.any(Function),
    });
    expect(await build({ sql: 'select 1', target: '1.5 s', class: 'complex', asks: 'it', index: 'i' })).toMatchObject({
      targetMs: 1500,
      class: 'complex',
      asks: 'it',
      index: 'i',
    });
  });

  it('takes the values in turn, from names and from a function', async () => {
    const named = await build({ sql: 'select :a, :b' });
    const drawn = { a: ['x', 'y'], b: ['1', '2', null] };
    expect([0, 1, 2].map((turn) => named.build(db, drawn, turn).compile())).toEqual([
      { sql: 'select $1, $2', parameters: ['x', '1'] },
      { sql: 'select $1, $2', parameters: ['y', '2'] },
      { sql: 'select $1, $2', parameters: ['x', null] },
    ]);
    const counted = await build({ sql: 'select $1', parameters: (_: unknown, turn: number) => [turn] });
    expect(counted.build(db, {}, 7).compile()).toEqual({ sql: 'select $1', parameters: [7] });
    const kysely = await build({ build: (own: typeof db) => own.selectFrom('projects').select('name') });
    expect(kysely.build(db, {}, 0).compile().sql).toBe('select "name" from "projects"');
  });

  it.each([
    [{ build: () => JSON.parse('{') }, /the build of "mine" failed: .*JSON/],
    [{ build: () => 'select 1' }, /the build of "mine" returned no query\./],
    [{ build: async () => 1 }, /the build of "mine" returned a promise: write it without async/],
    [{ sql: 'select $1', parameters: () => 1 }, /the parameters of "mine" are no array\./],
    [{ sql: 'select :a' }, /"mine": nothing is drawn for ":a"\./],
  ])('names the query of which %o goes wrong', async (query, message) => {
    const built = await build(query);
    expect(() => built.build(db, {}, 0)).toThrow(message);
  });
});
