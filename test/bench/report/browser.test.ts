import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from '@jest/globals';
import { againstToHtml, toHtml } from '../../../src/bench/report/index.ts';
import { around } from '../../support/bench-run.ts';
import { inBrowser, launchBrowser, openAlone, WIDER } from '../../support/browser.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { ASKED, madeAgainst, madePlan, reportOfPoints } from './support.ts';

const report = reportOfPoints(
  [...ASKED, { name: `a-name-${'that-does-not-end-'.repeat(6)}"<b>`, class: 'simple', medianMs: 1 }],
  [
    { projects: 10_000, clients: 4 },
    { projects: 1_000_000, clients: 4 },
  ],
);

/** Run in the page: every piece of text that another one lies on, or that its picture cuts off. */
const MISPLACED = `(() => {
  const found = [];
  for (const picture of document.querySelectorAll('svg[viewBox]')) {
    const frame = picture.getBoundingClientRect();
    if (frame.width === 0) continue;
    const texts = [...picture.querySelectorAll('text')].map((text) => ({
      name: picture.querySelector('title').textContent + ': ' + text.textContent,
      box: text.getBoundingClientRect(),
    }));
    for (const [at, { name, box }] of texts.entries()) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(name + ' is cut off');
      for (const other of texts.slice(at + 1)) {
        const apart = box.right <= other.box.left || other.box.right <= box.left
          || box.bottom <= other.box.top + 3 || other.box.bottom <= box.top + 3;
        if (!apart) found.push(name + ' and ' + other.name + ' lie on each other');
      }
    }
  }
  return found;
})()`;

/** Run in the page: how many of what is folded is not shown. */
const FOLDED = `[...document.querySelectorAll('details dl')].filter((each) => !each.checkVisibility()).length`;

inBrowser('A real browser shows two sides that were timed in turns on a screen, a phone and paper', async () => {
  const long = `a-name-${'that-does-not-end-'.repeat(6)}"<b>`;
  const us = { [long]: around(1000), another: around(1000) };
  const made = madeAgainst({
    old: us,
    young: us,
    plans: [[madePlan(long, 'Index Scan', 'i')], [madePlan(long, 'Seq Scan')]],
  });
  const file = path.join(await scratchDirectory(), 'against.html');
  await writeFile(file, againstToHtml({ ...made, before: { ...made.before, name: long } }));
  const browser = await launchBrowser();
  try {
    const page = await openAlone(browser, file);
    for (const width of [1200, 360]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await page.evaluate<string[]>(WIDER)]).toEqual([width, []]);
    }
    // A word stays whole on a phone: its table scrolls.
    const wrap = 'getComputedStyle(document.querySelector("#comparison th")).overflowWrap';
    expect(await page.evaluate<string>(wrap)).toBe('break-word');
    await page.locator('details').evaluateAll((all) => all.forEach((each) => void each.removeAttribute('open')));
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const hidden = `[...document.querySelectorAll('details pre')].filter((each) => !each.checkVisibility()).length`;
    expect(await page.evaluate<number>(hidden)).toBe(0);
    expect(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  } finally {
    await browser.close();
  }
});

inBrowser('A real browser shows the page on a screen, a phone and paper, without a request or an error', async () => {
  const file = path.join(await scratchDirectory(), 'report.html');
  await writeFile(file, toHtml(report));
  const browser = await launchBrowser();
  try {
    const page = await openAlone(browser, file);
    await page.locator('details').evaluateAll((all) => all.forEach((each) => void each.setAttribute('open', '')));
    for (const width of [1200, 768, 360]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await page.evaluate<string[]>(WIDER)]).toEqual([width, []]);
      expect(await page.evaluate<string[]>(MISPLACED)).toEqual([]);
    }
    const colours = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const light = await colours();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await colours()).not.toBe(light);
    // On paper it is light, and what was folded is there.
    await page.locator('details').evaluateAll((all) => all.forEach((element) => void element.removeAttribute('open')));
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await colours()).toBe(light);
    expect(await page.evaluate<number>(FOLDED)).toBe(0);
    // What a screen reader is told: tables with rows and heads on a phone too, and a name for each picture.
    await page.emulateMedia({ media: 'screen' });
    await page.setViewportSize({ width: 360, height: 800 });
    await page.locator('details.point').evaluateAll((all) => all.forEach((each) => void each.setAttribute('open', '')));
    expect(await page.getByRole('row', { name: /^audit-trail .* met$/ }).count()).toBe(2);
    expect(await page.getByRole('img', { name: /^audit-trail: p50 0\.\d+ ms, p95 \d\.\d+ ms .*: met$/ }).count()).toBe(
      2,
    );
  } finally {
    await browser.close();
  }
});
