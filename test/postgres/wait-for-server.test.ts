import { createServer, type Server } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { waitForServer } from '../../src/postgres/wait-for-server.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();
const listeners: Server[] = [];

afterAll(() => {
  for (const listener of listeners) listener.close();
});

/** A listener that is no PostgreSQL. Its port. */
async function listen(listener: Server): Promise<number> {
  listeners.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return (listener.address() as { port: number }).port;
}

const to = (changes: Partial<ConnectionSettings>): ConnectionSettings => ({ ...server.superuser, ...changes });

describe('waitForServer', () => {
  it('says nothing when the server answers', async () => {
    const context = testContext();
    await waitForServer(server.superuser, { timeoutMs: 60_000 }, context);
    expect(context.events).toEqual([]);
  });

  it('waits for what a starting server gives, and says what was the last of it', async () => {
    const resetting = await listen(createServer((socket) => socket.resetAndDestroy()));
    const closing = await listen(createServer((socket) => socket.end()));
    const silent = await listen(createServer((socket) => socket.on('error', () => {})));
    const cases: [Partial<ConnectionSettings>, string][] = [
      [{ port: 1 }, 'nothing listens there'],
      [{ host: '/nonexistent' }, 'its socket is not there'],
      [{ host: 'nowhere.invalid' }, 'its host name is not known'],
      [{ port: resetting }, 'it closes the connection'],
      [{ port: closing }, 'it closes the connection'],
      [{ port: closing, tls: { mode: 'prefer' } }, 'it closes the connection'],
      [{ port: silent, connectTimeoutMs: 100 }, 'it does not answer'],
    ];
    for (const [changes, reason] of cases) {
      const context = testContext();
      const error = await failureOf(waitForServer(to(changes), { timeoutMs: 300 }, context));
      expect(error).toMatchObject({ code: 'CONNECTION_FAILED', hint: expect.stringContaining('--wait') });
      expect(error.message).toMatch(/^Waited .* for the server at .* \(from the test server\): /);
      expect(error.message).toContain(reason);
      expect(context.events).toEqual([
        { kind: 'notice', message: expect.stringMatching(/^Waiting for the server at .*: /) },
      ]);
      expect(context.events[0]).toMatchObject({ message: expect.stringContaining(reason) });
    }
  });

  it('does not wait where waiting does not help', async () => {
    const cases: [Partial<ConnectionSettings>, string, RegExp][] = [
      [{ password: 'not-the-password' }, 'AUTHENTICATION_FAILED', /refused the password/],
      [{ database: 'no such' }, 'DATABASE_MISSING', /does not exist/],
      [{ tls: { mode: 'require' } }, 'CONNECTION_FAILED', /does not support SSL/],
      [{ tls: { mode: 'verify-full', rootCertificate: '/nonexistent' } }, 'FILE_UNREADABLE', /root certificate/],
    ];
    for (const [changes, code, message] of cases) {
      const context = testContext();
      const error = await failureOf(waitForServer(to(changes), { timeoutMs: 60_000 }, context));
      expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.stringMatching(message) });
      expect(context.events).toEqual([]);
    }
  });

  it('stops at once when it is interrupted, while it connects too', async () => {
    const context = testContext();
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => {});
        context.interrupt();
      }),
    );
    const started = performance.now();
    const error = await failureOf(
      waitForServer(to({ port, connectTimeoutMs: 60_000 }), { timeoutMs: 60_000 }, context),
    );
    expect(error.code).toBe('INTERRUPTED');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
