import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { renderingOfAgainst, renderingOfRun } from '../../../src/bench/report/index.ts';
import { encodeStoredAgainst } from '../../../src/bench/store/stored-against.ts';
import { readStoredResult, type StoredResult } from '../../../src/bench/store/stored-file.ts';
import { encodeStoredRun } from '../../../src/bench/store/stored-run.ts';
import { renderAgainst } from '../../../src/cli/bench-against-text.ts';
import { renderSideBySide } from '../../../src/cli/bench-compare-text.ts';
import { renderBench } from '../../../src/cli/bench-text.ts';
import { structdb } from '../../support/cli.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { ASKED, madeAgainst, madePlan, reportOfPoints } from './support.ts';

const plain = new Chalk({ level: 0 });
const way = { samples: 40, p50Ms: 1, p95Ms: null, perSecond: 9 };
const { result, raw } = reportOfPoints(
  ASKED.slice(0, 4),
  [1000, 10_000].flatMap((projects) => [1, 4].map((clients) => ({ projects, clients, samples: 40 }))),
);
const whole = encodeStoredRun({
  result: {
    ...result,
    sideBySide: {
      clients: 4,
      pgbenchVersion: null,
      queries: [
        {
          name: 'q',
          class: 'simple',
          ways: { kysely: way, kyselyPrepared: way, pg: way, pgPrepared: way, pgbench: null },
        },
      ],
      notes: ['no pgbench'],
    },
  },
  raw: raw!.map((queries) => queries.map((each) => ({ ...each, blocks: [0] }))),
});

/** The places in a document, with what holds each. */
function placesIn(value: unknown, found: [holder: Record<string, unknown>, key: string][] = []): typeof found {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    found.push([value as Record<string, unknown>, key]);
    // Samples are alike.
    if (key !== 'us') placesIn(inner, found);
  }
  return found;
}

const against = encodeStoredAgainst({
  result: madeAgainst({ plans: [[madePlan('fast', 'Index Scan', 'i')], [madePlan('fast', 'Seq Scan')]] }),
});

function render(stored: StoredResult): string[] {
  if (stored.kind === 'against')
    return [
      ...Object.values(renderingOfAgainst(stored.result)).map((form) => form()),
      renderAgainst(stored.result, plain),
    ];
  const { sideBySide } = stored.result;
  return [
    ...Object.values(renderingOfRun(stored)).map((form) => form()),
    renderBench(stored.result, plain),
    ...(sideBySide ? [renderSideBySide(sideBySide, plain)] : []),
  ];
}

const VALUES = [undefined, null, '', 'x', 0, -1, 1e308, true, [], {}, [null], [{}], [[]], { a: 1 }];

it.each([
  ['run', whole, 250],
  ['result of two sides', against, 150],
])('A stored %s that was altered by hand is rendered, or refused in one line', async (_, text, numRuns) => {
  const file = path.join(await scratchDirectory(), 'altered.json');
  const count = placesIn(JSON.parse(text).result).length;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(count - 1), fc.constantFrom<unknown>(...VALUES), async (place, value) => {
      const document = JSON.parse(text);
      const [holder, key] = placesIn(document.result)[place]!;
      if (value === undefined) delete holder[key];
      else holder[key] = value;
      await writeFile(file, JSON.stringify(document));
      const read = await readStoredResult(file).catch((error: unknown) => error as Error);
      if (read instanceof Error) {
        refused += 1;
        expect(read).toMatchObject({ code: 'BENCH_RESULT_UNREADABLE', exitCode: 1 });
        expect(read.message).not.toContain('\n');
        return;
      }
      for (const form of render(read)) expect(form).not.toBe('');
    }),
    { numRuns },
  );
  expect(refused).toBeGreaterThan(numRuns * 0.4);
});

it.each([
  ['run', whole, 'p50', 'result.points.0.queries.0.p50'],
  ['result of two sides', against, 'ratio', 'result.points.0.queries.0.ratio'],
])('A stored %s that was altered by hand is named with the place', async (_, text, key, place) => {
  const file = path.join(await scratchDirectory(), 'altered.json');
  const document = JSON.parse(text);
  document.result.points[0].queries[0][key] = 'fast';
  await writeFile(file, JSON.stringify(document));
  const told = await structdb(['bench', 'report', file, '--html', `${file}.html`]);
  expect(told.exitCode).toBe(1);
  expect(told.stderr).toContain(`is a benchmark result that was altered: ${place}`);
});
