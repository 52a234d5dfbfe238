import { describe, expect, it } from '@jest/globals';
import { StructdbError } from '../../src/core/errors.ts';
import {
  type BaseDrillResult,
  type DumpDrillResult,
  reportOf,
  reportOfFailure,
  type ScenariosResult,
  toHtml,
  toJUnit,
} from '../../src/drill/index.ts';
import { attribute, elementsOf } from '../support/markup.ts';

const ODD = `20261125T020000.000Z-dump-%22%3C "x" <b> & ' \u0001`;

const dump: DumpDrillResult = {
  kind: 'dump',
  structdb: '0.1.0',
  at: '2026-11-25T03:00:00.000Z',
  label: ODD,
  database: '<script>alert(1)</script>',
  verdict: { ok: true, code: null, message: 'Every promise holds.' },
  passedOver: [],
  rto: {
    measuredMs: 1000,
    objectiveMs: 900_000,
    met: true,
    phases: { selectMs: 100, serverMs: 500, fetchMs: 50, loadMs: 300, settingsMs: 20, firstWriteMs: 30 },
  },
  rpo: { provable: false, required: false, objectiveMs: 300_000, message: 'not provable from a dump' },
  ageOfData: { ms: 3_600_000, intervalMs: 86_400_000, limitMs: 86_460_000, judged: true, withinLimit: true },
  rate: { bytesPerSecond: 1000, coveredBytes: 900_000, sizeBytes: 350 },
  checks: [
    { name: 'contents', ok: true, message: 'all there', details: [] },
    { name: 'settings', ok: true, message: 'as recorded', details: [] },
  ],
  checksMs: 70,
  write: { kind: 'project', lsn: '0/1' },
  rows: 5,
  tables: 2,
  server: { backup: '15.18', scratchMajor: 15 },
  leftOut: [],
  evidence: '1/drills/20261125T030000.000Z.json',
};

const base: BaseDrillResult = {
  ...dump,
  kind: 'base',
  label: '20261124T020000.000Z-base',
  chain: ['20261124T020000.000Z-base'],
  systemIdentifier: '1',
  target: { kind: 'latest' },
  rto: {
    measuredMs: 5000,
    objectiveMs: 900_000,
    met: true,
    phases: { selectMs: 1, planMs: 9, fetchMs: 2000, startMs: 1000, replayMs: 1500, promoteMs: 400, firstWriteMs: 90 },
  },
  rpo: {
    provable: true,
    judged: true,
    objectiveMs: 300_000,
    met: false,
    disasterAt: '2026-11-25T03:00:00.000Z',
    coveredUntil: '2026-11-25T02:50:00.000Z',
    lossMs: 600_000,
    lostCommits: 3,
    basis: 'last commit',
    message: 'at most 10 min: 3 commits',
  },
  rate: { bytesPerSecond: 1000, replayBytesPerSecond: null, coveredBytes: 900_000, sizeBytes: 350 },
  replay: { timeline: 1, fromLsn: '0/2', toLsn: '0/3', walBytes: 100, lastCommitAt: null },
  unchecked: ['GIN index a: needs PostgreSQL 18'],
  databases: ['structdb'],
};

const scenarios: ScenariosResult = {
  kind: 'scenarios',
  structdb: '0.1.0',
  at: '2026-11-25T03:00:00.000Z',
  server: '15.18',
  verdict: { ok: false, code: 'SCENARIO_FAILED', message: 'One of two fails.' },
  scenarios: (['server-killed', 'table-dropped'] as const).map((name, index) => ({
    name,
    title: 'a title',
    played: true,
    ok: index === 0,
    message: index === 0 ? 'nothing lost' : '4 rows lost',
    deviations: index === 0 ? [] : ['4 rows lost', 'and more'],
    losses: {
      acknowledged: 40,
      recovered: 40 - index * 4,
      lost: index * 4,
      lostArchived: 0,
      lostSecured: 0,
      lostMs: index * 200,
      damaged: [],
    },
    rto: { measuredMs: 700, objectiveMs: 900_000, met: true, phases: { start: 500, 'first write': 200 } },
    rpo: { lossMs: index * 200, objectiveMs: 300_000, met: true },
    said: ['fell back'],
    events: [
      { at: '2026-11-25T03:00:00.000Z', name: 'load' },
      { at: '2026-11-25T03:00:03.000Z', name: 'broken' },
      { at: '2026-11-25T03:00:05.000Z', name: 'recovered' },
    ],
  })),
  evidence: 'scenarios/x.json',
};

describe('The JUnit report', () => {
  it('has a case per promise, counts them right, and is well-formed whatever the names are', () => {
    const elements = elementsOf(toJUnit(reportOf(dump)));
    const cases = elements.filter(({ name }) => name === 'testcase');
    expect(cases.map(({ attributes }) => attribute(attributes, 'name'))).toEqual([
      'RTO',
      'Age of the data',
      'contents',
      'settings',
    ]);
    expect(elements.filter(({ name }) => name === 'failure')).toEqual([]);
    for (const { attributes } of elements.filter(({ name }) => name.startsWith('testsuite'))) {
      expect([attribute(attributes, 'tests'), attribute(attributes, 'failures')]).toEqual(['4', '0']);
    }
  });

  it('fails the promise that is broken', () => {
    const xml = toJUnit(reportOf({ ...base, verdict: { ok: false, code: 'RPO_EXCEEDED', message: 'too much' } }));
    expect(elementsOf(xml).filter(({ name }) => name === 'failure')).toHaveLength(1);
    expect(xml).toMatch(/name="Recovery point" time="600.000"><failure message="at most 10 min: 3 commits">/);
  });

  it('skips what was not judged', () => {
    const rpo = { ...base.rpo, judged: false };
    expect(toJUnit(reportOf({ ...base, rpo }))).toMatch(/name="Recovery point"[^>]*><skipped /);
  });

  it('never looks like success when the drill failed: a backup passed over, or nothing restored at all', () => {
    const verdict = { ok: false, code: 'BACKUP_CORRUPT', message: 'The newest <cannot> be restored' };
    for (const report of [
      reportOf({ ...dump, verdict }),
      reportOfFailure(new StructdbError('BACKUP_CORRUPT', 'None can'), new Date(), '0.1.0'),
    ]) {
      const elements = elementsOf(toJUnit(report));
      expect(elements.filter(({ name }) => name === 'failure')).toHaveLength(1);
      expect(attribute(elements[0]!.attributes, 'failures')).toBe('1');
    }
  });

  it('of scenarios has a suite for each', () => {
    const xml = toJUnit(reportOf(scenarios));
    expect(elementsOf(xml).filter(({ name }) => name === 'testsuite')).toHaveLength(2);
    expect(xml).toMatch(
      /classname="table-dropped" name="rows"[^>]*><failure message="4 rows lost">4 rows lost\nand more</,
    );
  });
});

describe('The HTML report', () => {
  it.each([
    ['a dump', dump],
    ['a base backup', base],
    ['scenarios', scenarios],
  ])('of %s is one page without scripts or anything from outside, with a picture of RTO and RPO', (_, result) => {
    const html = toHtml(reportOf(result));
    const elements = elementsOf(html);
    const recoveries = result.kind === 'scenarios' ? result.scenarios.length : 1;
    expect(elements.filter(({ name }) => name === 'svg')).toHaveLength(2 * recoveries);
    expect(elements.filter(({ name }) => ['script', 'link', 'img', 'iframe', 'object'].includes(name))).toEqual([]);
    expect(html).not.toMatch(/(src|href)="(?!#)|url\(|@import|https?:/);
  });

  it('draws each phase in proportion, side by side', () => {
    const { rto } = base;
    const bars = elementsOf(toHtml(reportOf(base)))
      .filter(({ name, attributes }) => name === 'rect' && attribute(attributes, 'height') === '34')
      .map(({ attributes }) => ({
        x: Number(attribute(attributes, 'x')),
        width: Number(attribute(attributes, 'width')),
      }));
    const phases = Object.values(rto.phases);
    expect(bars).toHaveLength(phases.length);
    const whole = bars.reduce((sum, { width }) => sum + width, 0);
    for (const [index, ms] of phases.entries()) {
      expect(Math.abs(bars[index]!.width / whole - ms / rto.measuredMs)).toBeLessThan(0.01);
      const next = bars[index + 1];
      if (next) expect(Math.abs(bars[index]!.x + bars[index]!.width - next.x)).toBeLessThan(1.5);
    }
  });
});
