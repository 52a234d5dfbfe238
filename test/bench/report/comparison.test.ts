import { describe, expect, it } from '@jest/globals';
import { compareRuns } from '../../../src/bench/compare/compare-runs.ts';
import { toHtml, toJUnit, toMarkdown } from '../../../src/bench/report/index.ts';
import type { BenchReport } from '../../../src/bench/report/report.ts';
import type { SideBySide } from '../../../src/bench/side-by-side/side-by-side.ts';
import { around, madeRun } from '../../support/bench-run.ts';
import { attribute, elementsOf } from '../../support/markup.ts';
import { ASKED, HOSTILE, junitCases, madePlan, reportOfPoints } from './support.ts';

const PLACE = { projects: 10_000, clients: 4 };

const steady = { third: around(20_000), [HOSTILE]: around(3000) };
const comparison = compareRuns(
  madeRun({ us: { slow: around(1000), fast: around(5000), ...steady }, plans: [madePlan('fast', 'Index Scan', 'i')] }),
  madeRun({ us: { slow: around(1500, 11), fast: around(2000), ...steady }, plans: [madePlan('fast', 'Seq Scan')] }),
  { force: true },
);
const way = { samples: 400, p50Ms: 1.25, p95Ms: 2.5, perSecond: 812.4 };
const sideBySide: SideBySide = {
  clients: 4,
  pgbenchVersion: '15.18',
  queries: [
    {
      name: 'audit-trail',
      class: 'simple',
      ways: { kysely: way, kyselyPrepared: way, pg: way, pgPrepared: way, pgbench: null },
    },
    {
      name: HOSTILE,
      class: 'simple',
      ways: { kysely: way, kyselyPrepared: way, pg: way, pgPrepared: way, pgbench: way },
    },
  ],
  notes: ['pgbench cannot ask audit-trail.'],
};
const plainReport = reportOfPoints(ASKED, [PLACE]);
const report: BenchReport = { ...plainReport, result: { ...plainReport.result, sideBySide }, comparison };

const casesOf = (of: BenchReport, className: string) => junitCases(toJUnit(of), className);

describe('The reports of a run that was compared', () => {
  it('have the comparison in JUnit: what is slower fails, and so does a plan that reads otherwise', () => {
    expect(casesOf(report, '.comparison')).toEqual([
      ['slow', 'failure'],
      ['fast', 'passed'],
      ['third', 'passed'],
      [expect.stringContaining('&lt;b&gt;'), 'passed'],
      ['plan of fast', 'failure'],
    ]);
    expect(toJUnit(report)).toContain('1.5 ms, before 1.0 ms (+50 %, p &lt; 0.0001): slower');
    const refused: BenchReport = { ...plainReport, comparison: { refused: 'Another server.' } };
    expect(casesOf(refused, '.comparison')).toEqual([['comparison', 'error']]);
    expect(toMarkdown(refused)).toContain('Another server.');
    expect(toHtml(refused)).toContain('Another server.');
  });

  it('have it on the page and in Markdown, with both plans, and no name is markup', () => {
    const html = toHtml(report);
    const elements = elementsOf(html.replace(/<style>[\s\S]*<\/style>/, '<style></style>'));
    expect(elements.filter(({ name }) => name === 'b')).toEqual([]);
    expect(elements.filter(({ attributes }) => attribute(attributes, 'id') === 'comparison')).toHaveLength(1);
    const markdown = toMarkdown(report);
    expect(markdown).not.toMatch(/<b>|@someone/);
    for (const text of [html, markdown]) {
      expect(text).toContain('1 query is slower than before. 1 query is answered by another plan.');
      expect(text).toContain('+50 %');
      expect(text).toContain('−60 %');
      expect(text).toMatch(/- .*Index Scan/);
      expect(text).toMatch(/\+ .*Seq Scan/);
    }
  });

  it('tell what each layer costs, without judging it', () => {
    const cases = casesOf(report, '.side-by-side');
    expect(cases).toHaveLength(10);
    expect(cases.slice(0, 5)).toEqual([
      ['audit-trail: Kysely', 'passed'],
      ['audit-trail: Kysely, prepared', 'passed'],
      ['audit-trail: pg', 'passed'],
      ['audit-trail: pg, prepared', 'passed'],
      ['audit-trail: pgbench', 'skipped'],
    ]);
    expect(toJUnit(report)).toContain('p50 1.3 ms, p95 2.5 ms, 812 a second');
    const markdown = toMarkdown(report);
    expect(markdown).toContain('| <code>audit-trail</code> | 1.3 ms | 1.3 ms | 1.3 ms | 1.3 ms | n/a |');
    expect(markdown).toContain('pgbench cannot ask audit-trail.');
    // A run that was not asked for it says nothing of it.
    expect(toMarkdown(plainReport) + toJUnit(plainReport)).not.toMatch(/side by side|baseline/i);
  });
});
