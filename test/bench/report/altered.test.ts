import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { toHtml, toJUnit, toMarkdown } from '../../../src/bench/report/index.ts';
import { encodeStoredRun, readStoredFile } from '../../../src/bench/store/stored-run.ts';
import { renderSideBySide } from '../../../src/cli/bench-compare-text.ts';
import { renderBench } from '../../../src/cli/bench-text.ts';
import { structdb } from '../../support/cli.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { ASKED, reportOfPoints } from './support.ts';

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

const COUNT = placesIn(JSON.parse(whole).result).length;

it('A stored run that was altered by hand is rendered, or refused in one line', async () => {
  const file = path.join(await scratchDirectory(), 'altered.json');
  const values = fc.constantFrom<unknown>(undefined, null, '', 'x', 0, -1, 1e308, true, [], {}, [null], [{}], [[]], {
    a: 1,
  });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(COUNT - 1), values, async (place, value) => {
      const document = JSON.parse(whole);
      const [holder, key] = placesIn(document.result)[place]!;
      if (value === undefined) delete holder[key];
      else holder[key] = value;
      await writeFile(file, JSON.stringify(document));
      const read = await readStoredFile(file).catch((error: unknown) => error as Error);
      if (read instanceof Error) {
        refused += 1;
        expect(read).toMatchObject({ code: 'BENCH_RESULT_UNREADABLE', exitCode: 1 });
        expect(read.message).not.toContain('\n');
        return;
      }
      for (const render of [toHtml, toMarkdown, toJUnit]) expect(render(read)).not.toBe('');
      expect(renderBench(read.result, plain)).not.toBe('');
      if (read.result.sideBySide) renderSideBySide(read.result.sideBySide, plain);
    }),
    { numRuns: 250 },
  );
  expect(refused).toBeGreaterThan(100);

  const document = JSON.parse(whole);
  document.result.points[0].queries[0].p50 = 'fast';
  await writeFile(file, JSON.stringify(document));
  const told = await structdb(['bench', 'report', file, '--html', `${file}.html`]);
  expect(told.exitCode).toBe(1);
  expect(told.stderr).toContain('is a benchmark result that was altered: result.points.0.queries.0.p50');
});
