import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Evidence } from '../../../src/journeys/report/evidence.ts';
import { toHtml } from '../../../src/journeys/report/html.ts';
import { toMarkdown } from '../../../src/journeys/report/markdown.ts';
import { judgeReport, reportOf } from '../../../src/journeys/report/report.ts';
import { inBrowser, launchBrowser, openAlone, WIDER } from '../../support/browser.ts';
import { elementsOf } from '../../support/markup.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { EMPTY, evidenceOf, PERFECT, type World } from './world.ts';

const BY = { user: 'ada', host: 'alpha' };
const HOSTILE = `"><script>alert(1)</script> | # @ada <b> ${'a-name-that-does-not-end-'.repeat(6)}`;

/** As somebody could name things who wishes nobody well. */
function hostile(evidence: Evidence): Evidence {
  const { catalogs, drills } = evidence;
  if (!catalogs.ok || !drills.ok) return evidence;
  const editions = catalogs.value.editions.map((each) => ({
    ...each,
    import: each.import && { ...each.import, by: HOSTILE, file: HOSTILE },
  }));
  return {
    ...evidence,
    database: HOSTILE,
    catalogs: { ...catalogs, value: { ...catalogs.value, editions } },
    drills: { ...drills, value: drills.value.map((drill) => ({ ...drill, label: HOSTILE })) },
    promises: evidence.promises.map((each) => ({ ...each, message: HOSTILE })),
  };
}

const AGED: World = {
  ...PERFECT,
  broken: true,
  drills: [40, 30, 20, 10].map((age) => ({ age, base: age !== 20, ok: age !== 30 })),
  tiers: [
    { made: 'good', verifiedAge: null },
    { made: 'none', verifiedAge: null },
  ],
};
const DARK: World = { ...PERFECT, unread: new Set(['migrations', 'schema', 'catalogs', 'wal', 'window', 'drills']) };

/** Run in the page: text that its picture cuts off. */
const CUT = `[...document.querySelectorAll('svg[viewBox] text')].filter((text) => {
  const [own, frame] = [text, text.ownerSVGElement].map((element) => element.getBoundingClientRect());
  return own.left < frame.left || own.right > frame.right || own.bottom > frame.bottom || own.top < frame.top;
}).map((text) => text.textContent)`;

describe('The report', () => {
  it.each(Object.entries({ PERFECT, EMPTY, AGED, DARK }))('is whole markup without a request: %s', (_, world) => {
    const report = reportOf(hostile(evidenceOf(world)), { user: HOSTILE, host: HOSTILE });
    const html = toHtml(report);
    const elements = elementsOf(html.replace(/<style>[\s\S]*<\/style>/, '<style></style>'));
    const names = new Set(elements.map(({ name }) => name));
    for (const name of ['script', 'img', 'link', 'iframe', 'b']) expect(names).not.toContain(name);
    expect(elements.filter(({ attributes }) => /\s(src|style|on\w+)=/.test(attributes))).toEqual([]);
    for (const { attributes } of elements.filter(({ name }) => name === 'a')) expect(attributes).toMatch(/href="#/);

    const markdown = toMarkdown(report);
    expect(markdown).not.toMatch(/<script|<b>|@ada/);
    // Every row of a table has as many cells as its head.
    for (const [table] of markdown.matchAll(/(^\|.*\n)+/gm)) {
      const widths = new Set(
        table
          .trim()
          .split('\n')
          .map((line) => line.split('|').length),
      );
      expect(widths.size).toBe(1);
    }
  });

  it('tells of each term its weight, its value and why, and what is missing with the command', () => {
    const report = reportOf(evidenceOf(AGED), BY);
    const { terms, gaps, broken, value } = report.confidence;
    expect(value).toBe(0.49);
    for (const text of [toHtml(report), toMarkdown(report).replaceAll('&#95;', '_')]) {
      expect(text).toContain('0.49');
      for (const { title, weight, proofs } of terms) {
        expect(text).toContain(title);
        expect(text).toContain(weight.toFixed(2));
        for (const proof of proofs) expect(text).toContain(proof.claim);
      }
      for (const { gain, command } of gaps) {
        expect(text).toContain(`+${gain.toFixed(3)}`);
        expect(text.replaceAll(/\s+/g, ' ')).toContain(command.replaceAll(/\s+/g, ' '));
      }
      for (const { message } of broken) expect(text).toContain(message);
      expect(text).toContain('ada');
      expect(text).toContain('15.18');
    }
    expect(toHtml(report)).toContain('RTO of 4 drills');
    const whole = reportOf(evidenceOf(PERFECT), BY);
    expect(toMarkdown(whole)).toMatch(/^# ✅ Confidence 1\.00/);
    expect(whole.sections.every(({ tone }) => tone === 'good')).toBe(true);
  });

  it('says what could not be read, and takes it for good nowhere', () => {
    const { sections, confidence } = reportOf(evidenceOf(DARK), BY);
    const dark = sections.filter(({ id }) => ['schema', 'catalogs', 'recovery', 'drills'].includes(id));
    for (const { tone, unread } of dark) {
      expect(tone).toBe('open');
      expect(unread.join()).toMatch(/cannot be read/);
    }
    expect(confidence.value).toBeLessThan(0.6);
  });

  it('breaks a promise only where an index was asked for', () => {
    const report = reportOf(evidenceOf(AGED), BY);
    expect(judgeReport(report, 0.49)).toBeUndefined();
    expect(judgeReport(report, 0.5)).toMatchObject({ code: 'CONFIDENCE_LOW', exitCode: 4, hint: 'structdb doctor' });
  });

  inBrowser('is read on a screen, a phone and paper, in light and dark, without a request or an error', async () => {
    const file = path.join(await scratchDirectory(), 'report.html');
    await writeFile(file, toHtml(reportOf(hostile(evidenceOf(AGED)), BY)));
    const browser = await launchBrowser();
    try {
      const page = await openAlone(browser, file);
      for (const width of [1200, 768, 360]) {
        await page.setViewportSize({ width, height: 800 });
        expect([width, await page.evaluate<string[]>(WIDER)]).toEqual([width, []]);
        expect([width, await page.evaluate<string[]>(CUT)]).toEqual([width, []]);
      }
      const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      const light = await ground();
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await ground()).not.toBe(light);
      expect(await page.getByRole('img', { name: /^Confidence 0\.49/ }).count()).toBe(1);
      expect(await page.getByRole('row', { name: /Drills.* 0\.25 / }).count()).toBeGreaterThan(0);
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await ground()).toBe(light);
      expect(await page.evaluate(`getComputedStyle(document.querySelector('nav')).display`)).toBe('none');
    } finally {
      await browser.close();
    }
  });
});
