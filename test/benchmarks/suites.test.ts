import { beforeAll, describe, expect, it } from '@jest/globals';
import { platformSuite } from '../../benchmarks/suites/platform.ts';
import { fillDatabase, indexesOfSchema, indexesUsed } from '../support/index-use.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

describe('the suite of the platform', () => {
  let used: Record<string, string[]>;
  let all: string[];
  beforeAll(async () => {
    const connection = await server.createOwnedDatabase();
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

  it('uses each of the fourteen indexes and that of the view', () => {
    expect(all).toHaveLength(15);
    expect(all.filter((name) => !platformSuite.queries.some(({ index }) => index === name))).toEqual([]);
  });
});
