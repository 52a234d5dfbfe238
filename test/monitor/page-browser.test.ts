import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { PAGE_CSP, renderFragment, renderPage } from '../../src/monitor/page/index.ts';
import type { MonitorView } from '../../src/monitor/view.ts';
import { inBrowser, launchBrowser, PATIENCE, WIDER } from '../support/browser.ts';
import { AT, database, KEPT, promise, QUERIES, samples, viewOf } from './views.ts';

const BROKEN = promise('backup.daily', 'broken', {
  message: 'The daily backup is 26 h old',
  details: ['The newest is of 2026-11-29 00:11:30 UTC.'],
  fix: 'structdb backup run --kind base',
  runbook: 'runbooks/backup-corrupt.md',
});
const TROUBLE = viewOf({
  promises: [
    BROKEN,
    promise('disk', 'unknown', { fix: 'Look at it.' }),
    ...KEPT.filter(({ id }) => id !== BROKEN.id),
    promise('standby', 'none'),
  ],
  databases: [
    database({
      problems: ['The locks could not be read: canceling statement due to statement timeout'],
      slowQueries: [{ ...QUERIES[0]!, text: `<script>alert(1)</script> ${'a_name_without_end_'.repeat(24)}` }],
      history: samples(60, (sample, place) => ({ ...sample, cacheHitRatio: place === 30 ? null : 0.95 })),
    }),
    database({
      name: `reports on ${'a-host-'.repeat(12)}:5432`,
      up: false,
      problems: ['refused'],
      history: [],
      slowQueries: [],
    }),
  ],
});

/** Run in the page: text that stands out too little from what it stands on (WCAG 2.2, 1.4.3). */
const PALE = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], share: a / 255 };
  };
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const { rgb, share } = parts(getComputedStyle(element).backgroundColor);
    if (share === 1) return rgb;
    const below = ground(element.parentElement);
    return rgb.map((part, place) => part * share + below[place] * (1 - share));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll('body *:not(script, noscript, title, desc)')) {
    if (!element.checkVisibility() || ![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(element);
    const text = light(parts(element.namespaceURI.endsWith('svg') ? style.fill : style.color).rgb);
    const back = light(ground(element));
    const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) found.push(contrast.toFixed(2) + ' ' + element.outerHTML.slice(0, 120));
  }
  return found;
})()`;

/** Run in the page: what the focus shows itself on, as text; empty where it does not show. */
const FOCUSED = `(() => {
  const { activeElement } = document;
  const isSeen = getComputedStyle(activeElement).outlineStyle !== 'none' && activeElement.checkVisibility();
  return isSeen ? activeElement.id || activeElement.textContent.trim() : '';
})()`;

describe('the status page in a real browser', () => {
  let browser: Browser | undefined;
  let url = '';
  /** What the server shows; null: it hangs up. */
  let shown: MonitorView | null = viewOf();
  let answer = 200;
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url!);
    if (shown === null) return void response.destroy();
    response.writeHead(answer, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_CSP });
    response.end(request.url === '/fragment' ? renderFragment(shown) : renderPage(shown));
  });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function open(view: MonitorView, options: Parameters<Browser['newPage']>[0] = {}) {
    shown = view;
    answer = 200;
    browser ??= await launchBrowser();
    const page = await browser.newPage(options);
    page.setDefaultTimeout(PATIENCE);
    const told: string[] = [];
    page.on('console', (message) => void told.push(message.text()));
    page.on('pageerror', (error) => void told.push(String(error)));
    page.on('request', (request) => void (request.url().startsWith(url) || told.push(request.url())));
    await page.clock.install();
    await page.goto(url);
    return { page, told };
  }

  /** As much time as passes until the page asks, and until it has shown what came. */
  async function poll(page: Page) {
    const seen = page.waitForEvent('requestfinished', (request) => request.url().endsWith('/fragment'));
    await page.clock.runFor(5000);
    await seen;
  }

  inBrowser('fits a phone and a screen, light and dark, readable and by keyboard', async () => {
    const { page, told } = await open(TROUBLE, { colorScheme: 'light' });
    const everything = page.locator('details');
    for (const width of [1200, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const isOpen of [false, true]) {
        await everything.evaluateAll(
          (all, open) => all.forEach((each) => void each.toggleAttribute('open', open)),
          isOpen,
        );
        expect([width, await page.evaluate<string[]>(WIDER)]).toEqual([width, []]);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([colorScheme, await page.evaluate<string[]>(PALE)]).toEqual([colorScheme, []]);
        }
      }
    }
    // A screen reader is told of tables and pictures on a phone too.
    expect(await page.getByRole('row', { name: /^48,210 84 ms 1 h 08 min 12,481,020$/ }).count()).toBe(1);
    expect(await page.getByRole('img', { name: /^Cache hit rate of structdb on localhost/ }).count()).toBe(1);
    expect(await page.getByRole('heading').allTextContents()).toEqual(
      ['1 of 7 promises is broken', 'Promises', 'Broken 1', 'Unknown 1', 'Kept 5', TROUBLE.databases[0]!.name]
        .concat(['Index hit rate', 'Cache hit rate', 'Connections', 'Transactions', 'Slowest queries by total time'])
        .concat([TROUBLE.databases[1]!.name]),
    );

    const reachable = await page.locator('a, summary, button, [tabindex="0"]').count();
    const reached = new Set<string>();
    for (let step = 0; step < reachable; step += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate<string>(FOCUSED));
    }
    expect(reached).not.toContain('');
    expect(reached.size).toBe(reachable);
    const summary = page.locator('#details-backup\\.daily > summary');
    await summary.focus();
    await page.keyboard.press('Enter');
    expect(await page.getByText('structdb backup run --kind base').isVisible()).toBe(false);

    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('structdb backup run --kind base').isVisible()).toBe(true);
    expect(told).toEqual([]);
    await page.close();
  });

  inBrowser('takes over what changed, and leaves alone what a reader has opened, focused and selected', async () => {
    const { page, told } = await open(viewOf(), { timezoneId: 'Asia/Kolkata' });
    const [query] = QUERIES;
    expect(await page.locator('.as-of').textContent()).toBe('2026-11-30 07:45:30');
    expect(await page.locator('.as-of time').getAttribute('title')).toBe('2026-11-30 02:15:30 UTC');
    const details = page.locator(`#database-1-query-${query!.queryId}-details`);
    await details.locator('summary').click();
    await page.evaluate('getSelection().selectAllChildren(document.querySelector("#database-1-name"))');
    const samplesTable = page.locator('#database-1-samples summary');
    await samplesTable.focus();
    await page.keyboard.press('Enter');
    await page.evaluate('window.sameRow = document.querySelector("#database-1-queries tbody tr, .queries tbody tr")');

    // The query falls to the second place, a promise breaks, and a minute passes.
    const at = new Date(AT.getTime() + 60_000);
    const promises = [BROKEN, ...KEPT.filter(({ id }) => id !== BROKEN.id)];
    shown = viewOf({
      at,
      promises,
      databases: [database({ slowQueries: [query!, { ...QUERIES[1]!, totalMs: 9e6 }, QUERIES[2]!] })],
    });
    await poll(page);
    await page.getByRole('heading', { name: '1 of 6 promises is broken' }).waitFor();
    expect(await page.title()).toBe('✗ 1 broken · structdb monitor');
    expect(await page.locator('.as-of').textContent()).toBe('2026-11-30 07:46:30');
    expect(await page.locator('#told').textContent()).toBe('Broken now: The daily backup is 26 h old');
    expect(await page.getByText('structdb backup run --kind base').isVisible()).toBe(true);
    expect(await page.locator('.queries summary').allTextContents()).toEqual(
      [1, 0, 2].map((place) => QUERIES[place]!.text),
    );
    expect(await details.getAttribute('open')).toBe('');
    expect(await page.evaluate('window.sameRow.isConnected')).toBe(true);
    expect(await page.evaluate('document.activeElement.id')).toBe('database-1-samples-summary');
    expect(await page.locator('#database-1-samples').getAttribute('open')).toBe('');
    expect(await page.evaluate('getSelection().toString()')).toBe('structdb on localhost:5432');

    // What is shut stays shut at the next answer, and nothing is said without a change.
    await page.locator('#details-backup\\.daily > summary').click();
    await page.evaluate(`document.getElementById('told').textContent = ''`);
    shown = { ...shown, at: new Date(at.getTime() + 5000) };
    await poll(page);
    await page.getByText('2026-11-30 07:46:35').first().waitFor();
    expect(await page.getByText('structdb backup run --kind base').isVisible()).toBe(false);
    expect(await page.locator('#told').textContent()).toBe('');
    expect(told).toEqual([]);
    await page.close();
  });

  inBrowser('says that nobody answers, asks on, and rests while it is hidden', async () => {
    const { page, told } = await open(viewOf());
    const gone = page.getByRole('alert');
    shown = null;
    await page.clock.runFor(5000);
    await gone.filter({ hasText: /^No answer since \d\d:\d\d:\d\d: / }).waitFor();
    expect(await page.getByRole('heading', { name: 'All 6 promises hold' }).isVisible()).toBe(true);
    expect(await page.evaluate<string[]>(PALE)).toEqual([]);
    shown = TROUBLE;
    answer = 503;
    await poll(page);
    await gone.filter({ hasText: /^The server answers 503 since / }).waitFor();
    answer = 200;
    await poll(page);
    await page.getByRole('heading', { name: '1 of 7 promises is broken' }).waitFor();
    expect(await gone.textContent()).toBe('');

    const hide = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await hide(true);
    const before = asked.length;
    await page.clock.runFor(60_000);
    expect(asked.length).toBe(before);
    const again = page.waitForEvent('requestfinished');
    await hide(false);
    await again;
    expect(asked.length).toBe(before + 1);
    // Only what the browser itself says of the answers that did not come.
    expect(told.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    await page.close();
  });

  inBrowser('copies the command that mends a promise, with and without a clipboard', async () => {
    const { page, told } = await open(TROUBLE);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()');
    const button = page.locator('#fix-backup\\.daily-1-copy');
    for (const isSecure of [true, false]) {
      await page.evaluate(`navigator.clipboard.writeText('')`);
      // What a page that came over plain HTTP from another machine has.
      if (!isSecure) await page.evaluate(`navigator.clipboard.writeText = undefined`);
      await button.click();
      await button.filter({ hasText: 'Copied' }).waitFor();
      expect(await clipboard()).toBe('structdb backup run --kind base');
      await page.clock.runFor(2000);
      await button.filter({ hasText: /^Copy$/ }).waitFor();
    }
    expect(told).toEqual([]);
    await page.close();
  });

  inBrowser('loads itself anew after an upgrade', async () => {
    const { page } = await open(viewOf());
    await page.route('**/fragment', (route) =>
      route.fulfill({ body: renderFragment(viewOf()).replace(/data-build="\w+"/, 'data-build="another"') }),
    );
    const loaded = page.waitForEvent('load');
    await page.clock.runFor(5000);
    await loaded;
    await page.close();
  });

  inBrowser('reads the pictures under the pointer', async () => {
    const history = samples(240, (sample, place) => ({
      ...sample,
      indexHitRatio: place === 120 ? 0.9712 : 1,
      connections: { used: 30, max: 97, byState: { active: 7, idle: 23 } },
      commitsPerSecond: place > 100 && place < 140 ? null : 40,
      rollbacksPerSecond: place > 100 && place < 140 ? null : 2.5,
    }));
    const { page, told } = await open(viewOf({ databases: [database({ history })] }), { timezoneId: 'Asia/Kolkata' });
    const reading = page.locator('#reading');
    const readAt = async (name: string, share: number) => {
      const picture = page.getByRole('img', { name });
      await picture.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await picture.boundingBox())!;
      await page.mouse.move(x + width * share, y + height / 2);
      return (await reading.isVisible()) ? (await reading.locator('div').allTextContents()).join(', ') : null;
    };
    // 120 of 239 steps of 15 s after the first sample.
    expect(await readAt('Index hit rate of', 120 / 239)).toMatch(/^07:15:4\d, index hit rate 97\.1 %$/);
    expect(await readAt('Connections to', 0.999)).toBe('07:45:30, idle 23, active 7');
    expect(await readAt('Transactions of', 0.001)).toBe('06:45:45, committed 40/s, rolled back 2.5/s');
    await page.keyboard.press('Escape');
    expect(await reading.isVisible()).toBe(false);
    expect(await readAt('Transactions of', 0.5)).toBeNull();
    expect(told).toEqual([]);
    await page.close();
  });

  inBrowser('is whole without scripts', async () => {
    shown = TROUBLE;
    answer = 200;
    browser ??= await launchBrowser();
    const page = await browser.newPage({ javaScriptEnabled: false });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(url);
    expect(await page.getByText('structdb backup run --kind base').isVisible()).toBe(true);
    expect(await page.getByText('Without scripts this page loads itself anew each minute.').isVisible()).toBe(true);
    expect(await page.getByRole('button').count()).toBe(0);
    await page.close();
  });
});
