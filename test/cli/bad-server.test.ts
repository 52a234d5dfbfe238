import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { embeddedServer } from '../support/embedded.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

describe('a server that cannot be used is answered with one clear line', () => {
  it('nothing listens', async () => {
    const { exitCode, stderr, json } = await structdb([
      'migrate',
      'status',
      '--json',
      '--url',
      'postgres://u:secret-word@127.0.0.1:1/d',
    ]);
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      hint: expect.stringContaining('structdb dev start'),
    });
    expect(json.error.message).toContain('127.0.0.1:1/d');
    expect(json.error.message).toContain('nothing listens there');
    expect(stderr).not.toContain('secret-word');
  });

  it('something listens that does not answer', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    try {
      const { exitCode, json } = await structdb([
        'migrate',
        'status',
        '--json',
        '--url',
        `postgres://u@127.0.0.1:${port}/d?connect_timeout=2&sslmode=disable`,
      ]);
      expect(exitCode).toBe(1);
      expect(json.error.code).toBe('CONNECTION_FAILED');
    } finally {
      silent.close();
    }
  });

  it('the password is wrong', async () => {
    const { exitCode, json, stderr } = await structdb([
      'migrate',
      'status',
      '--json',
      '--url',
      urlOf({ ...server.superuser, password: 'not-the-password' }),
    ]);
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({ code: 'AUTHENTICATION_FAILED', hint: expect.stringContaining('.pgpass') });
    expect(stderr).not.toContain('not-the-password');
  });

  it('the database does not exist', async () => {
    const { exitCode, json } = await structdb([
      'migrate',
      'status',
      '--json',
      '--url',
      urlOf({ ...server.superuser, database: 'no such' }),
    ]);
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({ code: 'DATABASE_MISSING' });
    expect(json.error.message).toContain('"no such"');
  });

  it.each(['role', 'database'] as const)('the %s has no connection left of its own limit', async (kind) => {
    const connection = await server.createOwnedDatabase();
    const name = kind === 'role' ? connection.user : connection.database;
    await sql(server.superuser, (client) => client.query(`alter ${kind} "${name}" connection limit 0`));
    const { exitCode, json } = await structdb(['migrate', 'status', '--json', '--url', urlOf(connection)]);
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringMatching(new RegExp(`: too many connections for ${kind} "${name}"\\.$`)),
      hint: expect.stringContaining(`ALTER ${kind.toUpperCase()} "${name}" CONNECTION LIMIT`),
    });
  });

  it('the server is too old, and its version is named', async () => {
    const old = await embeddedServer(14);
    for (const verb of [
      ['migrate', 'up'],
      ['migrate', 'status'],
    ]) {
      const { exitCode, json } = await structdb([...verb, '--json', '--url', urlOf(old)]);
      expect(exitCode).toBe(1);
      expect(json.error).toMatchObject({ code: 'SERVER_TOO_OLD' });
      expect(json.error.message).toContain('14.22');
    }
  });
});
