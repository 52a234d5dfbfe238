import { expect, it } from '@jest/globals';
import { platformSuite } from '../../benchmarks/suites/platform.ts';
import { fillDatabase, indexesUsed } from '../support/index-use.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

it('each index serves its query at 100,000 projects, no table is read as a whole, with nothing switched off', async () => {
  const connection = await server.createOwnedDatabase();
  await fillDatabase(connection, 100_000);
  const used = await indexesUsed(connection);
  const missed = platformSuite.queries.filter(
    ({ name, index }) =>
      (index && !used[name]!.includes(index)) || used[name]!.some((read) => read.startsWith('all of ')),
  );
  expect(missed.map(({ name, index }) => ({ name, index, used: used[name] }))).toEqual([]);
}, 600_000);
