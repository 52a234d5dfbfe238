import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { readExposition } from '../support/exposition.ts';
import { failureOf } from '../support/failure.ts';
import { ask } from '../support/http.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';
import { nowhere, type Served, serve, silent } from './serve-support.ts';

const server = useServer();
let connection: Awaited<ReturnType<typeof server.createOwnedDatabase>>;
let served: Served;
/** Sends a header a second and never ends; when it is hung up on is looked at last. */
let slow: ReturnType<typeof slowClient>;

beforeAll(async () => {
  connection = await server.createOwnedDatabase();
  await migrateUp(connection);
  served = await serve([connection]);
  slow = slowClient(served.url);
});

const get = (path: string, headers: Record<string, string> = {}) => ask(served.url + path, { headers });

/** What the server says to bytes as they are; the connection is its own. */
async function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(served.url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
  });
}

function slowClient(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write('GET /metrics HTTP/1.1\r\n'));
    const drip = setInterval(() => socket.write('X-More: 1\r\n'), 300);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      resolve(answer);
    });
  });
}

describe('monitor serve', () => {
  it('answers Prometheus with what the server and structdb know, each series once, without a password', async () => {
    const { status, headers, text } = await get('metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const families = readExposition(text);
    expect(families.get('pg_up')?.series).toEqual([{ labels: {}, value: 1 }]);
    expect(families.get('structdb_build_info')?.series[0]?.value).toBe(1);
    expect(families.get('structdb_objective_rto_seconds')?.series[0]?.value).toBe(900);
    expect(text).not.toContain(connection.password);
  });

  it('tells what it gathered once that was looked at, and keeps the database waiting for nothing', async () => {
    await expectSoon(async () => {
      const families = readExposition((await get('metrics')).text);
      const failed = families.get('structdb_facts_failed')!.series.filter(({ value }) => value !== 0);
      expect(failed).toEqual([]);
      const applied = families.get('structdb_migrations')!.series.find(({ labels }) => labels.state === 'applied');
      expect(applied).toEqual({ labels: { datname: connection.database, state: 'applied' }, value: 6 });
      const triggers = families.get('structdb_audit_trigger_enabled')!.series.map(({ value }) => value);
      expect(triggers).toEqual([1, 1, 1, 1]);
    });
  });

  it('sends it compressed to who asks for that, and only the head to HEAD', async () => {
    const zipped = await get('metrics', { 'accept-encoding': 'deflate, gzip;q=0.5' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(readExposition(gunzipSync(zipped.body).toString()).has('pg_up')).toBe(true);
    for (const refused of ['identity', 'gzip;q=0', 'xgzip', 'gzip;q=0.0, br']) {
      expect((await get('metrics', { 'accept-encoding': refused })).headers['content-encoding']).toBeUndefined();
    }
    const head = await ask(`${served.url}metrics`, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1000);
  });

  it('shows the page and what is on it, to itself only', async () => {
    const page = await get('');
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'/),
    });
    expect(page.text).toContain('<h1');
    expect(page.text.toLowerCase()).toMatch(/^<!doctype html>/);
    expect((await get('fragment')).text).toMatch(/^<div id="view"/);
    const state = JSON.parse((await get('api/state')).text);
    expect(state).toMatchObject({
      at: expect.any(String),
      toolVersion: expect.any(String),
      objectives: { rto: 900_000 },
      databases: [{ name: `${connection.database} on 127.0.0.1:${connection.port}`, up: true }],
    });
    expect(state.promises.map(({ id }: { id: string }) => id)).toContain('server.up');
    expect(JSON.stringify(state) + page.text).not.toContain(connection.password);
  });

  it('says that it is alive, and that it is ready', async () => {
    expect(await get('healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    await expectSoon(async () => expect(await get('readyz')).toMatchObject({ status: 200, text: 'ok\n' }));
  });

  it('has one connection to the database, however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => get('metrics')));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const { rows } = await sql(server.superuser, (client) =>
      client.query(
        `select count(*)::int as count from pg_stat_activity
                     where datname = $1 and application_name = 'structdb monitor'`,
        [connection.database],
      ),
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('knows a few paths and two methods', async () => {
    for (const path of ['metrics/', 'nothing', '..%2f..%2fetc/passwd', '%00', '__proto__', 'constructor', 'api']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get('healthz?x=1')).status).toBe(200);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      const { status, headers } = await ask(`${served.url}metrics`, { method });
      expect({ method, status, allow: headers.allow }).toEqual({ method, status: 405, allow: 'GET, HEAD' });
    }
    expect(
      (await ask(`${served.url}metrics`, { method: 'POST' }, 'x'.repeat(5_000_000)).catch(() => ({ status: 405 })))
        .status,
    ).toBe(405);
  });

  it('refuses what is no request of a well-behaved client, and goes on', async () => {
    expect(await raw(`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(9000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    for (const bytes of [
      'nonsense\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /metrics HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n',
    ]) {
      expect(await raw(bytes)).toMatch(/^HTTP\/1.1 400 /);
    }
    expect(await raw('CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n')).toBe('');
    expect((await get('healthz')).status).toBe(200);
  });

  it('lets no more than sixty-four connections in, and is there again when they have gone', async () => {
    const { hostname, port } = new URL(served.url);
    const sockets = Array.from({ length: 100 }, () => net.connect(Number(port), hostname));
    const closed = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => {});
          socket.on('close', () => resolve());
        }),
    );
    let gone = 0;
    for (const each of closed) {
      void each.then(() => {
        gone += 1;
      });
    }
    await expectSoon(async () => expect(gone).toBeGreaterThanOrEqual(36));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await expectSoon(async () => expect((await get('healthz')).status).toBe(200));
  });

  it('hangs up on who is slow', async () => {
    expect(await slow).toMatch(/^(HTTP\/1.1 408 |$)/);
    expect((await get('healthz')).status).toBe(200);
  });
});

describe('monitor serve of a database that does not answer', () => {
  it('is alive and not ready, and says so in the metrics', async () => {
    const { url } = await serve([await nowhere()]);
    expect((await ask(`${url}healthz`)).status).toBe(200);
    await expectSoon(async () =>
      expect(await ask(`${url}readyz`)).toMatchObject({ status: 503, text: expect.stringMatching(/does not answer/) }),
    );
    const families = readExposition((await ask(`${url}metrics`)).text);
    expect(families.get('pg_up')?.series).toEqual([{ labels: {}, value: 0 }]);
  });

  it('answers in the time of a scrape when the server is silent, and ends what it answers when it is stopped', async () => {
    const { connection: way, taken } = await silent();
    const { url, stop } = await serve([way], { config: { monitor: { scrapeTimeout: '1 s' } } });
    await taken;
    const answer = ask(`${url}metrics`);
    // The request has arrived once a later one was answered.
    await ask(`${url}healthz`);
    const result = await stop();
    expect((await answer).status).toBe(200);
    expect(readExposition((await answer).text).get('pg_up')?.series).toEqual([{ labels: {}, value: 0 }]);
    expect(result).toEqual({ url, requests: 2 });
    await expect(ask(url)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('tells the others, whatever is wrong with one', async () => {
    const { url } = await serve([await nowhere(), connection]);
    const families = readExposition((await ask(`${url}metrics`)).text);
    const up = families.get('structdb_database_up')!.series.map(({ labels, value }) => [labels.datname, value]);
    expect(up).toEqual(
      expect.arrayContaining([
        ['app', 0],
        [connection.database, 1],
      ]),
    );
    const state = JSON.parse((await ask(`${url}api/state`)).text);
    const verdicts = Object.fromEntries(
      state.promises.map(({ id, state: own }: { id: string; state: string }) => [id, own]),
    );
    expect(verdicts).toMatchObject({ 'server.up': 'broken' });
    expect(verdicts[`server.up ${connection.database} on 127.0.0.1:${connection.port}`]).toBe('kept');
  });
});

describe('where it listens', () => {
  it('is told when it is taken, is not this machine, or is another family of addresses', async () => {
    const { port } = new URL(served.url);
    const taken = await failureOf(serve([connection], { port: Number(port) }));
    expect(taken).toMatchObject({ code: 'PORT_TAKEN', exitCode: 1, hint: expect.stringContaining('--port') });
    // TEST-NET-1: no machine has it (RFC 5737).
    expect(await failureOf(serve([connection], { host: '192.0.2.1' }))).toMatchObject({ code: 'USAGE', exitCode: 2 });
    const six = await serve([await nowhere()], { host: '::1' }).catch(() => undefined);
    if (six) expect((await ask(`${six.url}healthz`)).status).toBe(200);
  });

  it('is one line of the command, which SIGTERM ends with 0', async () => {
    const { exitCode, stderr, stdout } = await structdb(
      ['monitor', 'serve', '--port', '0', '--url', urlOf(connection)],
      {
        onStderr: (soFar, child) => soFar.includes('Listening') && child.kill('SIGTERM'),
      },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '✓ Stopped after 0 requests.\n' });
    expect(stderr).toMatch(/^ℹ Listening on http:\/\/127\.0\.0\.1:\d+\/ for 1 database\.\n$/);
  });
});

/** Tries until it holds. */
async function expectSoon(work: () => Promise<void>): Promise<void> {
  for (const deadline = performance.now() + 20_000; ; ) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
