import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { describeConnection } from '../../src/config/connection.ts';
import type { Environment } from '../../src/config/environment.ts';
import { resolveConnection } from '../../src/config/resolve.ts';
import { redact } from '../../src/core/redact.ts';
import { testEnvironment } from '../support/environment.ts';
import { failureOf } from '../support/failure.ts';
import { scratchDirectory } from '../support/scratch.ts';

let home: string;
const privateServer: ConnectionSettings = {
  host: '/tmp/x',
  port: 5433,
  database: 'structdb',
  user: 'structdb',
  tls: { mode: 'disable' },
  connectTimeoutMs: 1000,
  source: 'the private server',
};

beforeAll(async () => {
  home = await scratchDirectory();
});

function environment(variables: Record<string, string> = {}): Environment {
  return { ...testEnvironment(variables), home, userName: 'engineer' };
}

describe('the connection', () => {
  it('is taken by precedence: --url, STRUCTDB_DATABASE_URL, DATABASE_URL, PG*, configuration, private server', async () => {
    const variables: Record<string, string> = {
      STRUCTDB_DATABASE_URL: 'postgres://h2/d',
      DATABASE_URL: 'postgres://h3/d',
      PGHOST: 'h4',
    };
    const hostFor = async (url?: string) =>
      (
        await resolveConnection({
          url,
          environment: environment({ ...variables }),
          configuredUrl: 'postgres://h5/d',
          privateServer: async () => privateServer,
        })
      ).host;
    expect(await hostFor('postgres://h1/d')).toBe('h1');
    expect(await hostFor()).toBe('h2');
    delete variables.STRUCTDB_DATABASE_URL;
    expect(await hostFor()).toBe('h3');
    delete variables.DATABASE_URL;
    expect(await hostFor()).toBe('h4');
    delete variables.PGHOST;
    expect(await hostFor()).toBe('h5');
    expect(
      (await resolveConnection({ environment: environment(), privateServer: async () => privateServer })).source,
    ).toBe('the private server');
  });

  it('names what to do when nothing names a server', async () => {
    await expect(resolveConnection({ environment: environment() })).rejects.toMatchObject({
      code: 'NO_CONNECTION',
      exitCode: 2,
      hint: expect.stringContaining('structdb dev start'),
    });
  });

  it.each([undefined, '', 'nonsense', 'postgres://a:b%zz@h/d'])(
    'shows an example that is printed as it is, for %j',
    async (url) => {
      const { hint } = await failureOf(resolveConnection({ url, environment: environment() }));
      expect(hint).toContain('postgres://user@host:5432/database');
      expect(redact(hint!)).toBe(hint);
    },
  );

  it('decodes every part of a URL, sockets and IPv6 included', async () => {
    const of = (url: string) => resolveConnection({ url, environment: environment() });
    expect(await of('postgresql://us%40er:p%3A%2Fw@[::1]:6000/we%20ird?sslmode=disable')).toMatchObject({
      user: 'us@er',
      password: 'p:/w',
      host: '::1',
      port: 6000,
      database: 'we ird',
      tls: { mode: 'disable' },
    });
    expect(await of('postgres:///db?host=/run/pg&user=u')).toMatchObject({
      host: '/run/pg',
      database: 'db',
      user: 'u',
    });
    expect(await of("host=h port=1 dbname='a b' user=u")).toMatchObject({
      host: 'h',
      port: 1,
      database: 'a b',
      user: 'u',
    });
  });

  it('refuses what it cannot understand, without echoing a password', async () => {
    for (const url of [
      'nonsense',
      'postgres://a:secret-word@h:port/d',
      'postgres://h/d?sslmod=require',
      'postgres://h1,h2/d',
      'mysql://root:secret-word@h/d',
    ]) {
      const error = await resolveConnection({ url, environment: environment() }).catch(
        (thrown: unknown) => thrown as Error & { code: string; hint: string },
      );
      expect(error).toMatchObject({ code: 'USAGE' });
      expect(`${(error as Error).message}${(error as { hint: string }).hint}`).not.toContain('secret-word');
    }
  });

  it('finds the password in a .pgpass file that only its owner may read', async () => {
    const file = path.join(home, '.pgpass');
    await writeFile(file, '# comment\nother:*:*:*:no\nh:5432:d:u\\:x:pa\\:ss\n*:*:*:*:any\n');
    await chmod(file, 0o600);
    const of = async (url: string) => (await resolveConnection({ url, environment: environment() })).password;
    expect(await of('postgres://u%3Ax@h/d')).toBe('pa:ss');
    expect(await of('postgres://u@elsewhere/d')).toBe('any');
    await chmod(file, 0o644);
    expect(await of('postgres://u@elsewhere/d')).toBeUndefined();
  });

  it('knows a server by its name also where hostaddr says its address', async () => {
    const file = path.join(await scratchDirectory(), 'pgpass');
    await writeFile(file, 'db.example:*:*:*:of-the-name\n10.0.0.7:*:*:*:of-the-address\n', { mode: 0o600 });
    const url = 'postgres://u@db.example/d?hostaddr=10.0.0.7';
    expect(await resolveConnection({ url, environment: environment({ PGPASSFILE: file }) })).toMatchObject({
      host: '10.0.0.7',
      password: 'of-the-name',
      tls: { serverName: 'db.example' },
    });
    const alone = await resolveConnection({
      url: 'hostaddr=10.0.0.7 user=u',
      environment: environment({ PGPASSFILE: file }),
    });
    expect(alone).toMatchObject({ host: '10.0.0.7', password: 'of-the-address' });
    expect(alone.tls).not.toHaveProperty('serverName');
  });

  it('reads service files and fills what is open from PG* variables', async () => {
    await writeFile(
      path.join(home, '.pg_service.conf'),
      '[other]\nhost=no\n[prod]\n# main\nhost=db.example\nport=6543\ndbname=eng\n',
    );
    const connection = await resolveConnection({
      environment: environment({ PGSERVICE: 'prod', PGUSER: 'u', PGSSLMODE: 'require' }),
    });
    expect(connection).toMatchObject({
      host: 'db.example',
      port: 6543,
      database: 'eng',
      user: 'u',
      tls: { mode: 'require' },
    });
    await expect(resolveConnection({ environment: environment({ PGSERVICE: 'missing' }) })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('uses root certificates where libpq does and asks for one when verifying without', async () => {
    await expect(
      resolveConnection({ url: 'postgres://h/d?sslmode=verify-full', environment: environment() }),
    ).rejects.toMatchObject({ code: 'USAGE' });
    await mkdir(path.join(home, '.postgresql'));
    const root = path.join(home, '.postgresql', 'root.crt');
    await writeFile(root, 'certificate');
    const connection = await resolveConnection({
      url: 'postgres://h/d?sslmode=verify-full',
      environment: environment(),
    });
    expect(connection.tls).toEqual({ mode: 'verify-full', rootCertificate: root });
  });

  it('is described without its password', async () => {
    const connection = await resolveConnection({ url: 'postgres://u:hidden@h/d', environment: environment() });
    expect(describeConnection(connection)).toBe('postgres://u@h:5432/d');
  });
});
