import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { bench, judgeBench } from '../../../src/bench/index.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { temporaryRoot } from '../../../src/programs/own-directory.ts';
import { testContext } from '../../support/context.ts';
import { useServer } from '../../support/postgres.ts';

const server = useServer();
const projectRoot = mkdtempSync(path.join(temporaryRoot(), 'structdb-target-'));
afterAll(() => rmSync(projectRoot, { recursive: true, force: true }));

/**
 * Two tables alike, one of which has lost its index. There the key of each of 60 rows is worked out, which sleeps a
 * millisecond: a sleep is never shorter, so that no machine is fast enough for the target. With the index one row is read, for
 * which the target is generous.
 */
const SUITE = `-- setUp
create function slow_key(id int) returns text language plpgsql immutable as
  $$ begin perform pg_sleep(0.001); return md5(id::text); end $$;
-- setUp
create table kept as select id from generate_series(1, 60) id;
-- setUp
create table dropped as table kept;
-- setUp
create index kept_key_idx on kept (slow_key(id));
-- draw key: select md5(id::text) from kept order by id limit 64

-- name: kept
-- target: 40 ms
select id from kept where slow_key(id) = :key;

-- name: dropped
-- target: 40 ms
select id from dropped where slow_key(id) = :key;
`;

it('a dropped index is caught by its target, on a machine of any speed', async () => {
  const suite = path.join(projectRoot, 'parts.sql');
  writeFileSync(suite, SUITE);
  const result = await bench(
    {
      connection: await server.createOwnedDatabase('createdb'),
      objectives: configSchema.parse({}).objectives,
      sources: { suites: [suite], projectRoot },
      projects: 20,
      clients: 16,
      samples: 200,
      maxSamples: 200,
    },
    testContext(),
  );
  const verdicts = new Map(result.points[0]!.queries.map(({ name, verdict }) => [name, verdict]));
  expect(verdicts.get('dropped')).toBe('fail');
  expect(verdicts.get('kept')).not.toBe('fail');
  expect(judgeBench(result)).toMatchObject({
    code: 'BENCH_TARGET_MISSED',
    details: expect.arrayContaining([expect.stringMatching(/^dropped: p95 \d.*target below 40 ms$/)]),
  });
});
