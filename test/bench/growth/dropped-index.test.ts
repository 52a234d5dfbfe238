import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { bench, judgeBench } from '../../../src/bench/index.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { temporaryRoot } from '../../../src/programs/own-directory.ts';
import { testContext } from '../../support/context.ts';
import { useServer } from '../../support/postgres.ts';

const server = useServer();
const projectRoot = mkdtempSync(path.join(temporaryRoot(), 'structdb-growth-'));
afterAll(() => rmSync(projectRoot, { recursive: true, force: true }));

/** Reading 60,000 rows instead of 300 takes several times as long, however slow the machine is. */
it('a dropped index is caught by growth: the query that needs it grows with the data, the other does not', async () => {
  const suite = path.join(projectRoot, 'two.sql');
  writeFileSync(
    suite,
    `-- draw actor: select distinct actor from project_events order by 1 limit 64
-- draw project: select project_id from projects order by 1 limit 64

-- name: by-actor
select event_type, occurred_at from project_events where actor = :actor and data <> '[]';

-- name: by-key
select project_id, name from projects where project_id = :project;
`,
  );
  const connection = await server.createOwnedDatabase('createdb');
  const result = await bench(
    {
      connection,
      // The targets are not what is tried here.
      objectives: { ...configSchema.parse({}).objectives, simpleFilters: 60_000 },
      sources: { suites: [suite], projectRoot },
      projects: [20_000, 100],
      clients: 1,
      samples: 200,
      maxSamples: 200,
      afterLoad: 'drop index project_events_actor_idx',
    },
    testContext(),
  );
  expect(result.points.map(({ data }) => data.projects)).toEqual([100, 20_000]);
  const growth = new Map(result.growth.withData.map((each) => [each.name, each]));
  const dropped = growth.get('by-actor')!;
  expect(dropped.verdict).toBe('fail');
  expect(dropped.exponent!.low).toBeGreaterThan(growth.get('by-key')!.exponent!.high);
  expect(result.verdict).toBe('fail');
  const error = judgeBench(result)!;
  expect(error.code).toBe('BENCH_TARGET_MISSED');
  expect(error.details).toContainEqual(
    expect.stringMatching(/^by-actor: .* × slower .* from 100 to 20,000 projects with 1 clients?/),
  );
});
