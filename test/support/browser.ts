import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's browser, or one that the machine has already. */
const browserPath = [process.env.STRUCTDB_TEST_BROWSER, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (file) => file !== undefined && existsSync(file),
);

/** On the machine that counts, its absence is a failure: scripts/setup.sh --tests installs it. */
export const inBrowser: typeof it | typeof it.skip = browserPath || process.env.CI ? it : it.skip;

/** Milliseconds that a step may take on a machine that does a lot besides. */
export const PATIENCE = 90_000;

/** Closed by whoever asked for it. Root may not use Chromium's sandbox; the pages are ours. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'], timeout: PATIENCE });
}

/** Opens a file in light colours, and expects that it asks for nothing but itself and says nothing. */
export async function openAlone(browser: Browser, file: string): Promise<Page> {
  const page = await browser.newPage({ colorScheme: 'light' });
  page.setDefaultTimeout(PATIENCE);
  const told: string[] = [];
  page.on('console', (message) => void told.push(message.text()));
  page.on('pageerror', (error) => void told.push(String(error)));
  page.on('request', (request) => void told.push(request.url()));
  const { href } = pathToFileURL(file);
  await page.goto(href);
  expect(told).toEqual([href]);
  return page;
}

/** Run in a page: what makes it scroll sideways; some parts scroll within themselves, or cut off what is too long. */
export const WIDER = `(() => {
  const edge = document.documentElement.clientWidth + 1;
  const isWithin = (element) =>
    element && element !== document.body && (getComputedStyle(element).overflowX !== 'visible' || isWithin(element.parentElement));
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > edge && !isWithin(element.parentElement))
    .map((element) => element.outerHTML.slice(0, 160));
})()`;
