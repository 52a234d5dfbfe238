import { expect } from '@jest/globals';
import { inBrowser, launchBrowser, PATIENCE, WIDER } from '../support/browser.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';
import { serve } from './serve-support.ts';

const server = useServer();

inBrowser('The page of a real server shows its database, a promise that breaks, and that it was stopped', async () => {
  const connection = await server.createOwnedDatabase();
  await migrateUp(connection);
  const config = { monitor: { factsEvery: '300 ms', sampleEvery: '200 ms' } };
  const [served, browser] = await Promise.all([serve([connection], { config }), launchBrowser()]);
  try {
    const page = await browser.newPage({ viewport: { width: 360, height: 800 } });
    page.setDefaultTimeout(PATIENCE);
    const told: string[] = [];
    page.on('console', (message) => void told.push(message.text()));
    page.on('pageerror', (error) => void told.push(String(error)));
    page.on('request', (request) => void (request.url().startsWith(served.url) || told.push(request.url())));
    await page.goto(served.url);
    // Asks more often than every five seconds: as a browser that came back to its network does.
    await page.evaluate(`setInterval(() => dispatchEvent(new Event('online')), 200);
      const told = document.getElementById('told');
      window.said = [];
      new MutationObserver(() => window.said.push(told.textContent)).observe(told, { childList: true })`);

    const name = `${connection.database} on ${connection.host}:${connection.port}`;
    await page.getByRole('heading', { name, level: 2 }).waitFor();
    await page.getByRole('img', { name: `Transactions of ${name}` }).waitFor();
    const audit = page.locator('#promise-schema\\.audit');
    await audit.and(page.locator('[data-state=kept]')).waitFor();
    // Nothing was ever backed up here.
    const [backup] = await page.locator('#broken .command code').allTextContents();
    expect(backup).toMatch(/^structdb /);
    expect(await page.evaluate<string[]>(WIDER)).toEqual([]);

    await sql(connection, (client) => client.query('alter table project_events disable trigger user'));
    await audit.and(page.locator('[data-state=broken]')).waitFor();
    expect((await page.evaluate<string[]>('window.said')).join()).toContain(
      'Broken now: The audit log is not protected',
    );
    expect(await audit.locator('.command').first().isVisible()).toBe(true);
    expect(told).toEqual([]);

    const shown = await page.locator('h1').textContent();
    await served.stop();
    await page.getByRole('alert').filter({ hasText: 'No answer since ' }).waitFor();
    expect(await page.locator('h1').textContent()).toBe(shown);
  } finally {
    await browser.close();
  }
});
