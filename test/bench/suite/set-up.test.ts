import { describe, expect, it } from '@jest/globals';
import { buildSuite } from '../../../src/bench/suite/build-suite.ts';
import { setUpSuite } from '../../../src/bench/suite/set-up.ts';
import { suiteSchema } from '../../../src/bench/suite/suite-schema.ts';
import type { ConnectionSettings } from '../../../src/config/connection.ts';
import { createDatabase } from '../../../src/database/create-database.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';

const server = useServer();

const suite = (setUp: readonly string[]) => ({
  name: 'billing',
  setUp,
  members: [],
  queries: [],
  draw: async () => ({}),
});

async function drawn(connection: ConnectionSettings, draw: unknown): Promise<unknown> {
  const checked = suiteSchema.parse({ draw, queries: [{ name: 'q', sql: 'select 1' }] });
  const built = await buildSuite(checked, { name: 's', file: 'benchmarks/s.ts' });
  expect(built.problems).toEqual([]);
  const db = await createDatabase({ connection, maxConnections: 1 });
  return built.suite.draw(db).finally(() => db.destroy());
}

describe('what a suite does before it is timed', () => {
  it('is run statement by statement, also outside transactions, and analysed', async () => {
    const connection = await server.createOwnedDatabase();
    await setUpSuite(
      suite([
        'create table visits as select n from generate_series(1, 500) n',
        'create index concurrently on visits (n)',
      ]),
      connection,
      testContext(),
    );
    const { rows } = await sql(connection, (client) =>
      client.query(
        `select reltuples::int, relhasindex, relallvisible > 0 as visible from pg_class where relname = 'visits'`,
      ),
    );
    expect(rows).toEqual([{ reltuples: 500, relhasindex: true, visible: true }]);
    await expect(setUpSuite(suite(['create table  visits ()']), connection, testContext())).rejects.toMatchObject({
      code: 'BENCH_SUITE_INVALID',
      message: 'setUp of billing failed: relation "visits" already exists, in: create table visits ()',
    });
  });

  it('draws as text, several columns together, and says what cannot be drawn', async () => {
    const connection = await server.createOwnedDatabase();
    expect(
      await drawn(connection, {
        id: 'select n from generate_series(1, 5000) n order by n; -- all',
        'day, code': `select date '2026-03-29', null union all select '2026-10-25', 'x;' order by 1;`,
      }),
    ).toEqual({
      id: Array.from({ length: 1000 }, (_, place) => String(place + 1)),
      day: ['2026-03-29', '2026-10-25'],
      code: [null, 'x;'],
    });
    expect(await drawn(connection, undefined)).toEqual({});
    const failing = [
      [{ a: 'select 1 where false' }, 'benchmarks/s.ts: draw a: it finds no rows.'],
      [{ a: 'select * from nowhere' }, 'benchmarks/s.ts: draw a: relation "nowhere" does not exist.'],
      [async () => ({ f: () => 1 }), /^benchmarks\/s\.ts: draw failed: .* could not be cloned\.$/],
    ] as const;
    for (const [draw, message] of failing) await expect(drawn(connection, draw)).rejects.toThrow(message);
  });
});
