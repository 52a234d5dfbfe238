import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type CliResult, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { type TlsServer, tlsServer } from '../support/tls.ts';

const home = await scratchDirectory();
const PASSWORD = 'a-password-of-the-tls-tests';
const withoutTls = useServer();
let server: TlsServer;

/** Which way a session came is told by the role that got in: each may come by one way alone. */
beforeAll(async () => {
  server = await tlsServer([
    'hostssl   all certified all cert',
    'hostnossl all certified all reject',
    'hostnossl all encrypted all reject',
    'hostssl   all plain     all reject',
  ]);
  await sql(server.superuser, async (client) => {
    for (const role of ['certified', 'encrypted', 'plain'])
      await client.query(`create role ${role} superuser login password '${PASSWORD}'`);
    await client.query('create table kept (id int)');
    await client.query('insert into kept select generate_series(1, 5)');
  });
});

const file = (name: string) => path.join(server.directory, name);

function url(user: string, parameters: Record<string, string>, host = 'localhost'): string {
  const query = new URLSearchParams(parameters).toString();
  return `postgres://${user}:${PASSWORD}@${host}:${server.superuser.port}/postgres?${query}`;
}

async function status(...args: Parameters<typeof url>): Promise<CliResult> {
  const run = await structdb(['migrate', 'status', '--json', '--url', url(...args)], { env: { HOME: home } });
  expect(run.stdout + run.stderr).not.toContain(PASSWORD);
  return run;
}

describe('sslmode', () => {
  it.each([
    ['disable', 'plain', true],
    ['disable', 'encrypted', false],
    ['allow', 'plain', true],
    ['allow', 'encrypted', true],
    ['prefer', 'encrypted', true],
    ['prefer', 'plain', true],
    ['require', 'encrypted', true],
    ['require', 'plain', false],
  ])('%s as a role that must come %s: %s', async (sslmode, role, accepted) => {
    const { exitCode, json } = await status(role, { sslmode });
    expect([exitCode, json.error?.code ?? null]).toEqual(accepted ? [0, null] : [1, 'AUTHENTICATION_FAILED']);
  });

  it.each(['verify-ca', 'verify-full', 'require'])('%s trusts the right authority', async (sslmode) => {
    expect(await status('encrypted', { sslmode, sslrootcert: file('ca.crt') })).toMatchObject({ exitCode: 0 });
  });

  it.each(['verify-ca', 'verify-full', 'require'])('%s refuses the wrong authority, and says why', async (sslmode) => {
    const { exitCode, json } = await status('encrypted', { sslmode, sslrootcert: file('other.crt') });
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringMatching(/certificate/),
      hint: expect.stringContaining('sslrootcert'),
    });
  });

  it('prefer trusts whatever certificate is shown, as libpq does', async () => {
    expect(await status('encrypted', { sslmode: 'prefer', sslrootcert: file('other.crt') })).toMatchObject({
      exitCode: 0,
    });
  });

  it('verify-full refuses another name for the same server, an address included; verify-ca does not look at it', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.crt') };
    const { exitCode, json } = await status('encrypted', parameters, '127.0.0.1');
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('127.0.0.1'),
      hint: expect.stringContaining('verify-ca'),
    });
    expect(await status('encrypted', { ...parameters, sslmode: 'verify-ca' }, '127.0.0.1')).toMatchObject({
      exitCode: 0,
    });
  });

  it('verify-full looks for the name of the server, whose address hostaddr says', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.crt'), hostaddr: '127.0.0.1' };
    expect(await status('encrypted', parameters)).toMatchObject({ exitCode: 0 });
    const other = await status('encrypted', parameters, 'elsewhere.example');
    expect(other.json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('elsewhere.example'),
    });
  });

  it('a root certificate that cannot be read is named', async () => {
    const { exitCode, json } = await status('encrypted', { sslmode: 'verify-ca', sslrootcert: '/nowhere/ca.crt' });
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('/nowhere/ca.crt'),
      hint: expect.any(String),
    });
  });

  it('require against a server without TLS says so', async () => {
    const without = urlOf(withoutTls.superuser).replace('sslmode=disable', 'sslmode=require');
    const { exitCode, json } = await structdb(['migrate', 'status', '--json', '--url', without], {
      env: { HOME: home },
    });
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('does not support SSL'),
      hint: expect.stringContaining('sslmode'),
    });
  });
});

describe('a password', () => {
  it('that nobody gave is told as missing, and where it goes', async () => {
    const none = new URL(urlOf(withoutTls.superuser));
    none.password = '';
    const { exitCode, json } = await structdb(['migrate', 'status', '--json', '--url', none.href], {
      env: { HOME: home },
    });
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('and there is none (from --url)'),
      hint: expect.stringContaining('PGPASSWORD'),
    });
  });
});

describe('a client certificate', () => {
  it('is shown to a server that asks for it', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.crt') };
    const without = await status('certified', parameters);
    expect(without.json.error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('client certificate'),
    });
    const own = { sslcert: file('client.crt'), sslkey: file('client.key') };
    expect(await status('certified', { ...parameters, ...own })).toMatchObject({ exitCode: 0 });
  });
});

describe("PostgreSQL's own programs", () => {
  it('come the same way: encrypted, verified, with the client certificate, files named relative to where structdb runs', async () => {
    const cwd = path.join(home, 'project');
    await mkdir(cwd);
    for (const name of ['ca.crt', 'client.crt', 'client.key']) await cp(file(name), path.join(cwd, name));
    await writeFile(
      path.join(cwd, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } } };`,
    );
    const parameters = { sslmode: 'verify-full', sslrootcert: 'ca.crt', sslcert: 'client.crt', sslkey: 'client.key' };
    const run = await structdb(['backup', 'run', '--json', '--url', url('certified', parameters)], {
      cwd,
      env: { HOME: home },
    });
    expect(run).toMatchObject({ exitCode: 0, json: { result: { rows: 5 } } });
    const byAddress = url('certified', { ...parameters, hostaddr: '127.0.0.1' });
    expect(await structdb(['backup', 'run', '--json', '--url', byAddress], { cwd, env: { HOME: home } })).toMatchObject(
      { exitCode: 0, json: { result: { rows: 5 } } },
    );
    const plain = await structdb(['backup', 'run', '--json', '--url', url('plain', { sslmode: 'disable' })], {
      cwd,
      env: { HOME: home },
    });
    expect(plain.json).toMatchObject({ ok: true, result: { rows: 5 } });
  });
});
