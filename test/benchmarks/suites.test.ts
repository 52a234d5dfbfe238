import { beforeAll, describe, expect, it } from '@jest/globals';
import { platformSuite } from '../../benchmarks/suites/platform.ts';
import { capturePlans } from '../../src/bench/plans/capture.ts';
import { nodesOf } from '../../src/bench/plans/explain.ts';
import { loadSuite } from '../../src/bench/suite/load-suite.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { createDatabase } from '../../src/index.ts';
import { testContext } from '../support/context.ts';
import { fillDatabase, indexesOfSchema, indexesUsed } from '../support/index-use.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

describe('the suite of the platform', () => {
  let used: Record<string, string[]>;
  let all: string[];
  let connection: ConnectionSettings;
  beforeAll(async () => {
    connection = await server.createOwnedDatabase();
    await fillDatabase(connection, 10_000);
    used = await indexesUsed(connection);
    all = await indexesOfSchema(connection);
  });

  it('has at least twelve queries in three classes, each with a name of its own', () => {
    expect(platformSuite.queries.length).toBeGreaterThanOrEqual(12);
    expect(new Set(platformSuite.queries.map((query) => query.class))).toEqual(
      new Set(['simple', 'complex', 'aggregation']),
    );
    expect(new Set(platformSuite.queries.map(({ name }) => name)).size).toBe(platformSuite.queries.length);
  });

  it('is served at 10,000 projects by the index that each query names', () => {
    const named = platformSuite.queries.flatMap(({ name, index }) => (index ? [{ name, index }] : []));
    expect(
      named
        .filter(({ name, index }) => !used[name]!.includes(index))
        .map((query) => ({ ...query, used: used[query.name] })),
    ).toEqual([]);
  });

  it('reads no table as a whole, whatever it asks for', () => {
    expect(Object.entries(used).filter(([, names]) => names.some((name) => name.startsWith('all of ')))).toEqual([]);
  });

  it.each(['auto', 'force_generic_plan'])(
    'is served so as prepared statements too, where plan_cache_mode is %s, and reads nothing whole',
    async (mode) => {
      const { draw, queries } = await loadSuite();
      const db = await createDatabase({ connection, maxConnections: 1 });
      const parameters = await draw(db);
      await db.destroy();
      const session = { ...connection, options: `-c plan_cache_mode=${mode}` };
      const { records } = await capturePlans(
        { connection: session, queries, parameters, prepare: true },
        testContext(),
      );
      const nodes = records.flatMap(({ query, variants }) =>
        variants.flatMap(({ root }) => nodesOf(root).map((node) => ({ query, node }))),
      );
      expect(records.filter(({ missed }) => missed !== null).map(({ query }) => query)).toEqual([]);
      expect(nodes.filter(({ node }) => node.type === 'Seq Scan').map(({ query }) => query)).toEqual([]);
      if (mode !== 'auto') expect(records.every(({ variants }) => variants.every(({ generic }) => generic))).toBe(true);
    },
  );

  it('uses each of the fourteen indexes and that of the view', () => {
    expect(all).toHaveLength(15);
    expect(all.filter((name) => !platformSuite.queries.some(({ index }) => index === name))).toEqual([]);
  });
});
