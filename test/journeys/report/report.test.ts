import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { shippedCatalogs } from '../../../src/catalog/index.ts';
import { exists } from '../../../src/config/project.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { askService } from '../../../src/journeys/report/service.ts';
import { newCheckout } from '../../devdb/support.ts';
import { structdb } from '../../support/cli.ts';

const { signal } = new AbortController();

describe('structdb report', () => {
  it('gathers what was proven of a real database, and goes on when its server is down', async () => {
    // Nobody listens there, whatever else runs on this machine.
    const checkout = await newCheckout({ 'structdb.config.ts': 'export default { monitor: { port: 1 } };' });
    await checkout.start();
    const report = async (...flags: string[]) => checkout.run(['report', '--json', ...flags]);
    const gapsOf = ({ json }: Awaited<ReturnType<typeof report>>) =>
      json.result.confidence.gaps.map(({ id }: { id: string }) => id);

    const bare = await report();
    expect(bare.exitCode).toBe(0);
    expect(valuesOf(bare.json.result)).toMatchObject({ schema: 0, catalogs: 0, speed: 0, backups: 0, drills: 0 });

    for (const args of [
      ['migrate', 'up'],
      ['catalog', 'import'],
      ['backup', 'run'],
      ['dr-test', '--kind', 'dump'],
    ]) {
      expect([args[0], (await checkout.run(args)).exitCode]).toEqual([args[0], 0]);
    }
    const html = path.join(checkout.directory, 'evidence.html');
    const ownCatalog = shippedCatalogs()[1]!;
    const proven = await report('--html', 'evidence.html', '--markdown', 'evidence.md', '--catalog', ownCatalog);
    const { result } = proven.json;
    expect(result.written).toContain(html);
    expect(await readFile(html, 'utf8')).toContain('Evidence for structdb on 127.0.0.1');
    expect(await readFile(path.join(checkout.directory, 'evidence.md'), 'utf8')).toContain(
      '006&#95;envelope&#95;support',
    );
    expect(result.by.user).not.toBe('');
    expect(result.server).toMatch(/^\d+/);
    expect(valuesOf(result)).toMatchObject({ schema: 1, catalogs: 1, drills: 0.6 });
    // The drill read the backup again.
    expect(gapsOf(proven)).not.toContain('backups.daily.verified');
    expect(gapsOf(proven)).toEqual(expect.arrayContaining(['drills.point', 'speed.targets', 'monitoring.service']));

    await checkout.run(['dev', 'psql', '--', '-Xqc', 'create table stray (a int)']);
    const drifted = await report('--min-confidence', '0.5');
    expect(drifted).toMatchObject({ exitCode: 4, json: { ok: false, error: { code: 'CONFIDENCE_LOW' } } });
    expect(drifted.json.result.confidence.broken).toContainEqual(expect.objectContaining({ id: 'schema.verified' }));

    await checkout.run(['dev', 'stop']);
    const down = await checkout.run(['report', '--html', 'down.html']);
    expect(down.exitCode).toBe(0);
    expect(down.stdout).toMatch(/which did not answer/);
    expect(down.stdout).toMatch(/\? Schema +0\.00 +It could not be read/);
    expect(down.stdout).toMatch(/✓ Drills +0\.60/);
    expect(await readFile(path.join(checkout.directory, 'down.html'), 'utf8')).toContain('The server did not answer');
  });

  it('refuses what it cannot write before it looks at anything', async () => {
    const checkout = await newCheckout();
    const run = (...flags: string[]) =>
      structdb(['report', '--url', 'postgres://x@127.0.0.1:1/x', '--json', ...flags], { cwd: checkout.directory });
    const nowhere = await run('--html', 'no/such/folder/r.html');
    expect(nowhere.json.error).toMatchObject({ code: 'FILE_MISSING', hint: expect.stringContaining('mkdir -p') });
    expect((await run('--html', 'r', '--markdown', 'r')).exitCode).toBe(2);
    expect((await run('--min-confidence', '1.5')).exitCode).toBe(2);
    const unnamed = await run('--catalog', 'nowhere.csv');
    expect(unnamed.json.error).toMatchObject({ code: 'FILE_MISSING', message: expect.stringContaining('nowhere.csv') });
    expect(await exists(path.join(checkout.directory, 'r'))).toBe(false);
    // One that is there is replaced, as by the reports of bench and dr-test.
    await writeFile(path.join(checkout.directory, 'r.md'), 'old');
    const unreachable = await run('--markdown', 'r.md');
    expect(unreachable.json).toMatchObject({ ok: true, result: { server: null } });
    expect(await readFile(path.join(checkout.directory, 'r.md'), 'utf8')).toMatch(/^# ❌ Confidence 0\.0/);
  });

  it('asks the monitor whether it lives, whoever it lets in', async () => {
    let status = 200;
    const server = http
      .createServer((request, response) => response.writeHead(status).end(request.url))
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const config = { ...configSchema.parse({}).monitor, port };
    const url = `http://127.0.0.1:${port}/healthz`;
    try {
      expect(await askService({ ...config, host: '0.0.0.0' }, signal)).toEqual({ url });
      status = 401;
      expect(await askService(config, signal)).toEqual({ url });
      status = 503;
      await expect(askService(config, signal)).rejects.toMatchObject({ message: expect.stringContaining('503') });
    } finally {
      server.close();
    }
    await expect(askService(config, signal)).rejects.toMatchObject({
      hint: expect.stringContaining('structdb monitor serve'),
    });
    await expect(askService({ ...config, port: 0 }, signal)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

function valuesOf(result: { confidence: { terms: { id: string; value: number }[] } }): Record<string, number> {
  return Object.fromEntries(result.confidence.terms.map(({ id, value }) => [id, Math.round(value * 100) / 100]));
}
