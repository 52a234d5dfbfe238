import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rememberSecret } from '../../src/core/redact.ts';
import { type NotifiedEvent, notify } from '../../src/programs/notify.ts';
import { testContext } from '../support/context.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const event: NotifiedEvent = {
  event: 'backup',
  ok: false,
  labels: ['20261124T020000.000Z-dump-app'],
  errorCode: 'DISK_FULL',
  errorMessage: 'No space for horse-battery.',
  durationMs: 1234.5,
  host: 'alpha',
};
const variables = { PATH: process.env.PATH, HOME: '/', PGPASSWORD: 'horse-battery' };
const environment = { variables, workingDirectory: scratch };

let server: Server;
let url: string;
const requests: { method: string; path: string; body: string }[] = [];

beforeAll(async () => {
  rememberSecret('horse-battery');
  server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({ method: request.method!, path: request.url!, body: Buffer.concat(chunks).toString() });
    if (request.url === '/never') return;
    response.statusCode = request.url === '/broken' ? 500 : 200;
    response.end('OK');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('A notification', () => {
  it('runs the command with what happened, and without what the environment keeps secret', async () => {
    const file = path.join(await mkdtemp(path.join(scratch, 'n-')), 'told');
    const context = testContext();
    await notify({ command: `env > '${path.relative(scratch, file)}'` }, event, environment, context);
    const told = readFileSync(file, 'utf8');
    expect(context.events).toEqual([]);
    for (const line of [
      'STRUCTDB_EVENT=backup',
      'STRUCTDB_OUTCOME=failure',
      'STRUCTDB_LABEL=20261124T020000.000Z-dump-app',
      'STRUCTDB_ERROR_CODE=DISK_FULL',
      'STRUCTDB_HOST=alpha',
    ]) {
      expect(told.split('\n')).toContain(line);
    }
    expect(told).not.toContain('horse-battery');
  });

  it('posts the outcome as JSON', async () => {
    await notify({ url: `${url}/ping/fail` }, event, environment, testContext());
    const { method, path: where, body } = requests.at(-1)!;
    expect([method, where]).toEqual(['POST', '/ping/fail']);
    expect(JSON.parse(body)).toMatchObject({ event: 'backup', ok: false, errorCode: 'DISK_FULL', host: 'alpha' });
    expect(body).not.toContain('horse-battery');
  });

  it.each([
    ['a command that fails', () => ({ command: 'echo no such pager >&2; exit 7' }), 'exit code 7'],
    ['a command that hangs', () => ({ command: 'sleep 60' }), 'it took too long'],
    ['an address that answers 500', () => ({ url: `${url}/broken` }), 'answered 500'],
    ['an address that never answers', () => ({ url: `${url}/never` }), 'timeout'],
    ['an address where nobody is', () => ({ url: 'http://127.0.0.1:1/' }), 'bad port'],
  ])('warns of %s, and does no more', async (_what, settings, reason) => {
    const context = testContext();
    await notify(settings(), event, environment, context, 300);
    expect(context.events).toMatchObject([{ kind: 'warning', message: expect.stringContaining('backup.onFailure') }]);
    expect(JSON.stringify(context.events)).toContain(reason);
  });
});
