import { expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { embeddedServer } from '../support/embedded.ts';
import { urlOf } from '../support/postgres.ts';

it('bench measures PostgreSQL 18 as it does 15: every query, both rates, every session', async () => {
  const connection = await embeddedServer(18);
  const quick = ['--projects', '500', '--samples', '200', '--max-samples', '200', '--clients', '2'];
  const { exitCode, json } = await structdb(['bench', '--json', '--url', urlOf(connection), ...quick]);
  expect([0, 4, 6]).toContain(exitCode);
  const { server, points } = json.result;
  const { queries, rates, connections, counters } = points[0];
  expect(server).toContain('18.');
  expect(queries.map(({ samples }: { samples: number }) => samples)).toEqual(queries.map(() => 200));
  expect(rates.map(({ value }: { value: number }) => value > 0.9)).toEqual([true, true]);
  expect(counters.scansOfIndex.material_catalog_designation_idx).toBe(200);
  expect(connections.map(({ pool, sessions }: { pool: number; sessions: number }) => sessions >= pool)).toEqual([
    true,
    true,
  ]);
}, 300_000);
