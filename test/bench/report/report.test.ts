import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { failureToJUnit, toHtml, toJUnit, toMarkdown } from '../../../src/bench/report/index.ts';
import type { BenchReport } from '../../../src/bench/report/report.ts';
import { logScale } from '../../../src/bench/report/scale.ts';
import { renderBench } from '../../../src/cli/bench-text.ts';
import { styleFor } from '../../../src/cli/output.ts';
import { attribute, elementsOf } from '../../support/markup.ts';
import { ASKED, reportOfPoints } from './support.ts';

const HOSTILE = `"x" <script>alert(1)</script> | \`b\` & ' **c** [d](https://e) @someone #77 \u0001\n$f$ _g_`;
const PLACE = { projects: 10_000, clients: 4 };

const plain = styleFor({ json: false, quiet: false, verbose: false, noColor: true }, {}, {});
const usual = reportOfPoints(ASKED, [PLACE]);
const hostile = named(
  reportOfPoints([...ASKED, { name: HOSTILE, class: 'simple', medianMs: 1, asks: HOSTILE }], [PLACE]),
);
const swept = reportOfPoints(
  ASKED,
  [10_000, 100_000, 1_000_000].flatMap((projects) => [1, 16].map((clients) => ({ projects, clients, samples: 250 }))),
);
const few = reportOfPoints(ASKED, [{ ...PLACE, samples: 50 }]);

/** The names that are not a query's, hostile too. */
function named({ result, raw }: BenchReport): BenchReport {
  const points = result.points.map((point) => ({ ...point, doubts: [{ kind: HOSTILE, message: HOSTILE }] }));
  return {
    result: { ...result, server: HOSTILE, database: HOSTILE, suite: { ...result.suite, name: HOSTILE }, points },
    raw,
  };
}

function interrupted({ result, raw }: BenchReport): BenchReport {
  const points = result.points.map((point) => ({ ...point, connections: [], complete: false }));
  return { result: { ...result, points, complete: false }, raw };
}

const good = reportOfPoints([{ name: 'fast', class: 'simple', medianMs: 0.5 }], [PLACE]);

describe('The JUnit report', () => {
  it.each([
    ['the usual names', usual, 1],
    ['hostile names', hostile, 1],
    ['several points', swept, 7],
  ])('of %s has a case for each target, and counts them right', (_, report, suites) => {
    const elements = elementsOf(toJUnit(report));
    const { points } = report.result;
    expect(elements.filter(({ name }) => name === 'testsuite')).toHaveLength(suites);
    const judged = [
      ...points.flatMap(({ queries, rates, connections, plans }) => [...queries, ...rates, ...connections, ...plans]),
      ...report.result.growth.withData.filter(({ verdict }) => verdict !== null),
    ];
    const counts = [
      judged.length,
      judged.filter(({ verdict }) => verdict === 'fail').length,
      judged.filter(({ verdict }) => verdict === 'inconclusive').length,
    ];
    expect(['testcase', 'failure', 'error'].map((kind) => elements.filter(({ name }) => name === kind).length)).toEqual(
      counts,
    );
    expect(['tests', 'failures', 'errors'].map((name) => Number(attribute(elements[0]!.attributes, name)))).toEqual(
      counts,
    );
    const places = elements
      .filter(({ name }) => name === 'testcase')
      .map(({ attributes }) => `${attribute(attributes, 'classname')} ${attribute(attributes, 'name')}`);
    expect(new Set(places).size).toBe(judged.length);
  });

  it('times a query by its p95, to the microsecond', () => {
    const [query] = usual.result.points[0]!.queries;
    expect(toJUnit(usual)).toContain(`name="simple: project-list" time="${(query!.p95!.value / 1000).toFixed(6)}"`);
  });

  it('never looks like success when the run was interrupted or nothing came of it', () => {
    expect(attribute(elementsOf(toJUnit(good))[0]!.attributes, 'errors')).toBe('0');
    for (const xml of [
      toJUnit(interrupted(good)),
      failureToJUnit({ message: 'The server <went> away', details: [] }, new Date(0)),
    ]) {
      expect(attribute(elementsOf(xml)[0]!.attributes, 'errors')).toBe('1');
    }
  });
});

describe('The Markdown report', () => {
  it('begins with the verdict, and has each query with its interval in a table', () => {
    const text = toMarkdown(usual);
    expect(text.split('\n')[0]).toBe('### ❌ Benchmark <code>platform</code>: 3 targets missed.');
    for (const { name, p95 } of usual.result.points[0]!.queries) {
      expect(p95).not.toBeNull();
      expect(text).toMatch(
        new RegExp(`^\\| \\S+ (met|missed|undecided) \\| <code>${name}</code> \\| .* ms to .* \\|$`, 'm'),
      );
    }
    expect(toMarkdown(good).split('\n')[0]).toBe(
      '### ✅ Benchmark <code>platform</code>: Every target is met: 1 query, 2 hit rates, 2 pools.',
    );
    expect(toMarkdown(interrupted(good))).toMatch(/^### ⚠️ .*Interrupted: what was measured until then decides nothing/);
  });

  it('lets no name be markup, a mention or a link, and every table keep its columns', () => {
    const text = toMarkdown(hostile);
    for (const sign of ['<script', '**c**', '[d]', '`b`', '$f$', '_g_', '\u0001']) expect(text).not.toContain(sign);
    // GitHub looks for these in what Markdown has become.
    const shown = text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
    for (const sign of ['@someone', '#77', 'https://']) expect(shown).not.toContain(sign);
    for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      expect(new Set(block.split('\n').map((line) => line.split('|').length)).size).toBe(1);
    }
    const opened = text.match(/<details>/g)?.length;
    expect([opened, text.match(/<\/details>/g)?.length]).toEqual([opened, opened]);
  });

  it('stays within a comment, and says what it left out', () => {
    const asked = Array.from({ length: 300 }, (_, at) => ({
      name: `query-${at}`,
      class: 'simple' as const,
      medianMs: 1,
    }));
    const text = toMarkdown(reportOfPoints(asked, [PLACE, { ...PLACE, clients: 8 }]));
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('Left out, as a comment would be too long: the queries at 10,000 projects, 8 clients');
  });
});

describe('The HTML report', () => {
  it.each([
    ['the usual names', usual],
    ['hostile names', hostile],
    ['several points', swept],
    ['few samples', few],
    ['an interrupted run', interrupted(usual)],
  ])('of %s is one well-formed page without scripts or anything from outside', (_, report) => {
    const html = toHtml(report);
    const elements = elementsOf(html);
    expect(elements.filter(({ name }) => ['script', 'link', 'img', 'iframe', 'object'].includes(name))).toEqual([]);
    expect(html).not.toMatch(/\s(src|href)="(?!#)|url\(|@import/);
    const ids = elements.flatMap(({ attributes }) => attribute(attributes, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of elements.filter(({ name }) => name === 'a'))
      expect(ids).toContain(attribute(attributes, 'href')?.slice(1));
    for (const { name } of report.result.points[0]!.queries.slice(0, 9)) expect(html).toContain(`>${name}<`);
    const titled = elements.filter(({ name, inside }) => name === 'title' && inside.endsWith('svg'));
    expect(elements.filter(({ name }) => name === 'svg')).toHaveLength(titled.length);
  });

  it('draws a distribution for each query, its curve rising to all of the samples', () => {
    const curves = elementsOf(toHtml(usual)).filter(({ attributes }) => attribute(attributes, 'class') === 'curve');
    expect(curves).toHaveLength(ASKED.length);
    for (const { attributes } of curves) {
      const heights = [...attribute(attributes, 'd')!.matchAll(/V([\d.]+)/g)].map(([, y]) => Number(y));
      expect(heights).toEqual(heights.toSorted((a, b) => b - a));
      expect(heights.at(-1)).toBe(10);
    }
    const { result } = usual;
    expect(
      elementsOf(toHtml({ result })).filter(({ attributes }) => attribute(attributes, 'class') === 'curve'),
    ).toEqual([]);
  });

  it('draws growth with data and with clients when both were swept, and none of a single point', () => {
    const lines = (report: BenchReport) => elementsOf(toHtml(report)).filter(({ name }) => name === 'polyline').length;
    // A line per query and fixed size: two concurrencies over the data, three sizes over the clients.
    expect(lines(swept)).toBe(ASKED.length * (2 + 3));
    expect(lines(usual)).toBe(0);
  });

  it('tells how many further rounds growth took, where it took any', () => {
    const growth = { ...swept.result.growth, furtherRounds: 2 };
    const further = { ...swept, result: { ...swept.result, growth } };
    const told = 'After 2 further rounds at the smallest and the largest size.';
    for (const text of [toHtml(further), toMarkdown(further), renderBench(further.result, plain)])
      expect(text.split(told)).toHaveLength(2);
    for (const text of [toHtml(swept), toMarkdown(swept), renderBench(swept.result, plain)])
      expect(text).not.toContain('further round');
  });

  it('tells throughput and its growth, as the comment and the screen do', () => {
    for (const text of [toHtml(swept), toMarkdown(swept), renderBench(swept.result, plain)])
      expect(text).toContain('Throughput with concurrency');
    for (const text of [toHtml(usual), toMarkdown(usual)]) expect(text).toContain('1,600 a second (1,520 to 1,680)');
    expect(renderBench(usual.result, plain)).toMatch(/^answers, simple +1,600 {2}a second/m);
  });

  it('tells what of it the server took, where that was counted', () => {
    expect(toHtml(usual)).toContain('0.25 ms on average of 500 runs, without parsing and planning');
    expect(toMarkdown(usual)).toMatch(/\| in the server, simple \| 0\.25 ms \(<code>[^<]+<\/code>\) \| not judged \|/);
    expect(renderBench(usual.result, plain)).toMatch(/^server, simple +0\.25 ms {2}slowest mean: \S+$/m);
    const [point] = usual.result.points;
    const queries = point!.queries.map((query) => ({ ...query, rates: { ...query.rates, serverMs: null } }));
    const uncounted = { ...usual, result: { ...usual.result, points: [{ ...point!, queries }] } };
    expect(toHtml(uncounted)).toContain('n/a: pg_stat_statements did not count it');
    expect(renderBench(uncounted.result, plain) + toMarkdown(uncounted)).not.toMatch(/server, simple/);
  });

  it('puts what is slower further right, the target where the verdict says it lies', () => {
    const number = (text: string | undefined) => Number(text?.replace('%', ''));
    const elements = elementsOf(toHtml(usual)).filter(({ inside }) => inside.endsWith('td svg'));
    const targets = elements.filter(({ attributes }) => attribute(attributes, 'class') === 'target');
    const intervals = elements.filter(({ attributes }) => attribute(attributes, 'class')?.startsWith('interval'));
    usual.result.points[0]!.queries.forEach(({ verdict }, at) => {
      const target = number(attribute(targets[at]!.attributes, 'x1'));
      const low = number(attribute(intervals[at]!.attributes, 'x'));
      const high = low + number(attribute(intervals[at]!.attributes, 'width'));
      const drawn = high < target ? 'pass' : low > target ? 'fail' : 'inconclusive';
      expect(drawn).toBe(verdict);
    });
  });
});

describe('On the screen', () => {
  it.each([
    ['one point', usual, 'table'],
    ['several points', swept, 'overview'],
    ['few samples', few, 'table'],
    ['hostile names', hostile, 'table'],
  ])('%s fit into 80 columns, each query with its figures', (_, report) => {
    const text = renderBench(report.result, plain);
    // Sentences are the terminal's to break; tables are not.
    const own = text.split('\n').filter((line) => !/target below|someone|plan:|should use/.test(line));
    expect(own.filter((line) => line.length > 80)).toEqual([]);
    for (const { name } of ASKED) expect(text).toMatch(new RegExp(`^${name} .*(ms|n/a)`, 'm'));
  });

  it('has a bar against the target, and the interval of what is not met', () => {
    const text = renderBench(usual.result, plain);
    expect(text).toMatch(/^project-list .* █▒+░?·+│ +met$/m);
    expect(text).toMatch(/^active-board .* █{10}│.*▶ missed\n {2}p95 between \d+ ms and \d+ ms, target below 10 ms$/m);
    expect(text).toMatch(/^busiest-customers .* undecided$/m);
    expect(renderBench(few.result, plain)).toContain('50 samples are too few for a p95');
    expect(renderBench(interrupted(good).result, plain)).toMatch(/^incomplete: /);
  });
});

describe('A logarithmic axis', () => {
  it('keeps the order, holds every value, and has few ticks that ascend', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, (list) => {
        const scale = logScale(list);
        const places = list.toSorted((a, b) => a - b).map((value) => scale.at(value));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(places.every((place) => place >= 0 && place <= 1)).toBe(true);
        expect(scale.ticks.length).toBeLessThanOrEqual(7);
        expect(scale.ticks.length).toBeGreaterThanOrEqual(1);
        expect(scale.ticks).toEqual(scale.ticks.toSorted((a, b) => a - b));
      }),
    );
  });
});
