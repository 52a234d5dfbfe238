import { describe, expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import { againstToHtml, againstToJUnit, againstToMarkdown } from '../../../src/bench/report/index.ts';
import { renderAgainst } from '../../../src/cli/bench-against-text.ts';
import { around } from '../../support/bench-run.ts';
import { attribute, elementsOf } from '../../support/markup.ts';
import { HOSTILE, junitCases, madeAgainst, madePlan } from './support.ts';

const plain = new Chalk({ level: 0 });
const STEADY = { [HOSTILE]: around(3000) };
const result = madeAgainst({
  old: { slow: around(1000), fast: around(5000), former: around(900), ...STEADY },
  young: { slow: around(1500, 11), fast: around(2000), young: around(900), ...STEADY },
  plans: [[madePlan('fast', 'Index Scan', 'i')], [madePlan('fast', 'Seq Scan')]],
  notes: [`${HOSTILE} cannot be asked of main`],
});
const forms = [againstToHtml(result), againstToMarkdown(result), renderAgainst(result, plain)];

describe('The reports of two sides that were timed in turns', () => {
  it('have a case per query and changed plan in JUnit, and skip what only one side can answer', () => {
    const xml = againstToJUnit(result);
    expect(junitCases(xml, 'platform.against')).toEqual([
      ['slow', 'failure'],
      ['fast', 'passed'],
      [expect.stringContaining('&lt;b&gt;'), 'passed'],
      ['plan of fast', 'failure'],
      ['young', 'skipped'],
      ['former', 'skipped'],
    ]);
    expect(xml).toContain('1.5 ms, before 1.0 ms (+50 %, p &lt; 0.0001): slower');
    const properties = elementsOf(xml)
      .filter(({ name }) => name === 'property')
      .map(({ attributes }) => [attribute(attributes, 'name'), attribute(attributes, 'value')]);
    expect(properties).toEqual([
      ['before', 'main (1a2b3c4d5e), PostgreSQL 15.18, up to 007_probe'],
      ['after', 'the project as it is, PostgreSQL 17.2, up to 008_drop'],
      ['commit before', '1a2b3c4d5e'.repeat(4)],
      ['timing', '100 samples of each query on each side; more than 10 % slower fails'],
      ['difference', 'setting work_mem: 64MB, before 4MB'],
      ['note', expect.stringContaining('cannot be asked of main')],
    ]);
  });

  it('have an error in JUnit for what could not be decided, and none where all is well', () => {
    const few = { slow: [1000], fast: [1000] };
    const open = madeAgainst({ old: few, young: few });
    expect(open.verdict).toBe('inconclusive');
    expect(junitCases(againstToJUnit(open), '.against')).toEqual([
      ['slow', 'error'],
      ['fast', 'error'],
    ]);
    expect(againstToMarkdown(open)).toMatch(/^### ⚠️ 2 queries could not be compared/);
    expect(againstToHtml(open)).toContain('? Undecided');
    const same = madeAgainst({ old: STEADY, young: STEADY });
    expect(junitCases(againstToJUnit(same), '.against')).toEqual([[expect.anything(), 'passed']]);
    expect(againstToMarkdown(same)).toMatch(/^### ✅ None of 1 queries is slower than before/);
    expect(againstToHtml(same)).toContain('✓ Not slower');
    // A verdict that no case says, in a file that somebody altered.
    expect(junitCases(againstToJUnit({ ...same, verdict: 'fail' }), '.against')).toContainEqual(['verdict', 'failure']);
  });

  it('say the verdict first, then both sides, every query, both plans and what differs, and no name is markup', () => {
    const [html, markdown, screen] = forms as [string, string, string];
    const said = '1 query is slower than before. 1 query is answered by another plan.';
    expect(markdown.split('\n')[0]).toBe(`### ❌ ${said}`);
    expect(screen.split('\n')[0]).toBe(`slower: ${said}`);
    const elements = elementsOf(html.replace(/<style>[\s\S]*<\/style>/, '<style></style>'));
    const body = elements.findIndex(({ name }) => name === 'header');
    expect(attribute(elements[body + 1]!.attributes, 'class')).toBe('verdict bad');
    expect(elements.filter(({ name }) => name === 'b' || name === 'script')).toEqual([]);
    expect(markdown).not.toMatch(/<b>|@someone/);
    for (const text of forms) {
      expect(text).toContain(said);
      for (const part of [/main \(1a2b3c4d5e\)/, /15\.18/, /17\.2/, /007.*probe/, /008.*drop/])
        expect(text).toMatch(part);
      expect(text).toMatch(/work.*mem/);
      for (const part of ['+50 %', '−60 %', '64MB', 'cannot be asked of main']) expect(text).toContain(part);
      expect(text).toMatch(/young.*only the project as it is can answer it/);
      expect(text).toMatch(/former.*only main \(1a2b3c4d5e\) has it/);
      expect(text).toMatch(/- .*Index Scan/);
      expect(text).toMatch(/\+ .*Seq Scan/);
      expect(text).not.toContain('baseline');
    }
    expect(markdown.indexOf('+50 %')).toBeLessThan(markdown.indexOf('<details>'));
  });

  it('stay below what a comment takes, and name what they leave out', () => {
    const names = Array.from({ length: 900 }, (_, place) => `a-query-of-${'some-length-'.repeat(3)}${place}`);
    const us = Object.fromEntries(names.map((name) => [name, around(1000)]));
    const large = madeAgainst({
      old: us,
      young: us,
      plans: [names.map((name) => madePlan(name, 'Index Scan', 'i')), names.map((name) => madePlan(name, 'Seq Scan'))],
    });
    const markdown = againstToMarkdown(large);
    expect(markdown.length).toBeLessThan(65_536);
    expect(markdown).toMatch(/^### ❌ 900 queries are answered by another plan/);
    expect(markdown).toMatch(/Left out, as a comment would be too long: all medians at .*, \d+ more\. The page of/);
    expect(againstToHtml(large)).toContain(names.at(-1));
  });
});
