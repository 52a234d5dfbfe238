import { copyFile, mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcryptjs';
import { BasicAuth } from '../../src/monitor/http/basic-auth.ts';
import { readWebConfig } from '../../src/monitor/http/web-config.ts';
import { failureOf } from '../support/failure.ts';
import { ask } from '../support/http.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { makeCertificates } from '../support/tls.ts';
import { nowhere, serve } from './serve-support.ts';

/** Cheap ones: what is tested is who comes in. */
const hashOf = (password: string) => bcrypt.hashSync(password, 4);
const basic = (login: string) => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });

let folder: string;
let certificates: Record<'ca' | 'other' | 'client' | 'clientKey', Buffer>;

beforeAll(async () => {
  folder = await scratchDirectory();
  await makeCertificates(folder);
  const read = (name: string) => readFile(path.join(folder, name));
  certificates = {
    ca: await read('ca.crt'),
    other: await read('other.crt'),
    client: await read('client.crt'),
    clientKey: await read('client.key'),
  };
});

/** A file of its own folder, in which paths of certificates lead to the scratch folder. */
async function webConfig(text: string): Promise<string> {
  const own = await mkdtemp(path.join(folder, 'web-'));
  const file = path.join(own, 'web.yml');
  await writeFile(file, text);
  return file;
}

const reading = async (file: string) => readWebConfig(file);

async function change(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const users = (passwords: Readonly<Record<string, string>>) =>
  `basic_auth_users:\n${Object.entries(passwords)
    .map(([name, password]) => `  ${name}: ${hashOf(password)}\n`)
    .join('')}`;

describe('the web configuration', () => {
  it('tells every problem with its key, and no value', async () => {
    const file = await webConfig(
      'tls_server_config: { cert_fil: a, key_file: b, client_ca_file: c, min_version: TLS9 }\nbasic_auth_users: { ada: plain-word }\nrate: 1\n',
    );
    const error = await failureOf(reading(file));
    expect(error).toMatchObject({ code: 'WEB_CONFIG_INVALID', exitCode: 2, hint: expect.stringMatching(/monitoring/) });
    expect(error.details).toEqual(
      expect.arrayContaining([
        'tls_server_config.cert_fil: there is no such key',
        expect.stringMatching(/^tls_server_config\.cert_file: /),
        expect.stringMatching(/^tls_server_config\.min_version: /),
        'basic_auth_users.ada: a bcrypt hash; make one: htpasswd -nBC 10 <name>',
        'rate: there is no such key',
      ]),
    );
    expect(`${error.message} ${error.details.join(' ')}`).not.toContain('plain-word');
    expect(error.message).toContain(file);
  });

  it.each([
    ['tls_server_config: { cert_file: a }', ['tls_server_config.key_file: it is missing']],
    [
      'tls_server_config: { cert_file: "", key_file: , min_version: TLS9 }',
      [
        'tls_server_config.cert_file: it is empty',
        'tls_server_config.key_file: it is empty',
        'tls_server_config.min_version: one of TLS10, TLS11, TLS12, TLS13',
      ],
    ],
    ['tls_server_config: { cert_file: 5, key_file: a }', ['tls_server_config.cert_file: a text']],
    ['tls_server_config:', ['tls_server_config: it is empty']],
    ['http_server_config: 1', ['http_server_config: keys with values']],
    [
      'http_server_config: { http2: yes, headers: { X-Content-Type-Options: a } }',
      ['http_server_config.http2: true or false', 'http_server_config.headers.X-Content-Type-Options: nosniff'],
    ],
    ['basic_auth_users: ada', ['basic_auth_users: names with values']],
    ['basic_auth_users: { "a:b": x }', ['basic_auth_users.a:b: a name without a colon']],
    ['basic_auth_users: { ada: }', ['basic_auth_users.ada: it is empty']],
    ['text', ['the file: keys with values']],
  ])('says in words what is missing or should stand there: %s', async (text, details) => {
    expect((await failureOf(reading(await webConfig(text)))).details).toEqual(details);
  });

  it('refuses an authority that nobody is verified by, and verification without one', async () => {
    const tlsOf = (rest: string) => webConfig(`tls_server_config: { cert_file: a, key_file: b, ${rest} }\n`);
    for (const [rest, key] of [
      ['client_ca_file: c', 'client_auth_type'],
      ['client_auth_type: RequireAndVerifyClientCert', 'client_ca_file'],
      ['min_version: TLS13, max_version: TLS12', 'min_version'],
    ] as const) {
      const error = await failureOf(reading(await tlsOf(rest)));
      expect(error.details).toEqual([expect.stringMatching(new RegExp(`^tls_server_config\\.${key}: `))]);
    }
  });

  it('names the line of what is no YAML, and a file that is missing; an empty one asks for nothing', async () => {
    const error = await failureOf(reading(await webConfig('a: 1\nb: [1\n')));
    expect(error.details[0]).toMatch(/^line [23]: /);
    expect((await failureOf(reading('/nonexistent/web.yml'))).code).toBe('FILE_MISSING');
    expect(readWebConfig(await webConfig('# nothing yet\n'))).toEqual({});
  });

  it('takes paths from its own folder, and is what other exporters read', async () => {
    const file = await webConfig(
      'tls_server_config:\n  cert_file: ../server.crt\n  key_file: ../server.key\nhttp_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n',
    );
    expect(readWebConfig(file).tls_server_config).toMatchObject({
      cert_file: path.join(folder, 'server.crt'),
      client_auth_type: 'NoClientCert',
      min_version: 'TLS12',
    });
  });
});

const TLS = 'tls_server_config:\n  cert_file: ../server.crt\n  key_file: ../server.key\n';

/** The server's certificate is for "localhost". */
const named = () => ({ ca: certificates.ca, servername: 'localhost' });

describe('TLS', () => {
  it('is spoken with the certificate of the file, and nothing else is', async () => {
    const { url } = await serve([await nowhere()], { webConfig: await webConfig(TLS) });
    expect(url).toMatch(/^https:/);
    expect((await ask(`${url}healthz`, named())).status).toBe(200);
    await expect(ask(`${url}healthz`)).rejects.toThrow(/certificate|self.signed/);
    await expect(ask(`${url.replace('https', 'http')}healthz`)).rejects.toThrow();
  });

  it('of an older version than the least is refused', async () => {
    const { url } = await serve([await nowhere()], { webConfig: await webConfig(`${TLS}  min_version: TLS13\n`) });
    await expect(ask(url, { ...named(), maxVersion: 'TLSv1.2' })).rejects.toThrow(/version|alert/i);
    expect((await ask(`${url}healthz`, named())).status).toBe(200);
  });

  it('takes a new certificate without a restart', async () => {
    const own = path.join(folder, 'renewed');
    await mkdir(own);
    const put = async (name: string) => {
      await copyFile(path.join(folder, `${name}.crt`), path.join(own, 'c.new'));
      await rename(path.join(own, 'c.new'), path.join(own, 'c.crt'));
      await copyFile(path.join(folder, `${name}.key`), path.join(own, 'k.new'));
      await rename(path.join(own, 'k.new'), path.join(own, 'k.key'));
    };
    await put('server');
    const file = await webConfig('tls_server_config: { cert_file: ../renewed/c.crt, key_file: ../renewed/k.key }\n');
    const { url, context } = await serve([await nowhere()], { webConfig: file });
    expect(await subjectOf(url)).toBe('localhost');
    await put('other');
    expect(await subjectOf(url)).toBe('structdb test other');
    // A key that does not belong to it: what was good stays, and it is told.
    await copyFile(path.join(folder, 'client.key'), path.join(own, 'k.key'));
    expect(await subjectOf(url)).toBe('structdb test other');
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringMatching(/cannot be used/) }),
    );
  });

  it('asks clients for certificates as it is told to', async () => {
    const served = async (type: string) =>
      (
        await serve([await nowhere()], {
          webConfig: await webConfig(`${TLS}  client_auth_type: ${type}\n  client_ca_file: ../ca.crt\n`),
        })
      ).url;
    const good = { cert: certificates.client, key: certificates.clientKey };
    const foreign = async () => {
      return { cert: certificates.other, key: await readFile(path.join(folder, 'other.key')) };
    };
    const outcome = (url: string, own: object) =>
      ask(`${url}healthz`, { ...named(), ...own }).then(
        ({ status }) => status,
        () => 'refused',
      );
    const all = async (type: string) => {
      const url = await served(type);
      return [await outcome(url, {}), await outcome(url, good), await outcome(url, await foreign())];
    };
    expect(await all('RequireAndVerifyClientCert')).toEqual(['refused', 200, 'refused']);
    expect(await all('VerifyClientCertIfGiven')).toEqual([200, 200, 'refused']);
    expect(await all('RequireAnyClientCert')).toEqual(['refused', 200, 200]);
    expect(await all('RequestClientCert')).toEqual([200, 200, 200]);
  });
});

async function subjectOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      resolve(String(CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('passwords', () => {
  it('stand before everything, and those of the file are let in', async () => {
    const { url } = await serve([await nowhere()], {
      webConfig: await webConfig(users({ ada: 'right', bob: 'other' })),
    });
    for (const page of ['', 'metrics', 'api/state', 'healthz', 'readyz', 'nothing']) {
      expect(await ask(url + page)).toMatchObject({
        status: 401,
        text: 'Unauthorized\n',
        headers: { 'www-authenticate': expect.stringMatching(/^Basic realm=/) },
      });
    }
    const status = async (login: string) => (await ask(`${url}healthz`, { headers: basic(login) })).status;
    expect([await status('ada:right'), await status('bob:other')]).toEqual([200, 200]);
    for (const login of ['ada:wrong', 'ada:other', 'eve:right', 'ada', ':', '__proto__:right', 'ada:right\0']) {
      expect([login, await status(login)]).toEqual([login, 401]);
    }
    expect((await ask(`${url}healthz`, { headers: { authorization: 'Bearer x' } })).status).toBe(401);
    expect((await ask(url, { method: 'POST' })).status).toBe(401);
  });

  it('change with the file, and stay while the new one has problems', async () => {
    const file = await webConfig(users({ ada: 'first' }));
    const { url, context } = await serve([await nowhere()], { webConfig: file });
    const status = async (login: string) => (await ask(`${url}healthz`, { headers: basic(login) })).status;
    expect(await status('ada:first')).toBe(200);
    await change(file, users({ ada: 'second' }));
    expect([await status('ada:first'), await status('ada:second')]).toEqual([401, 200]);
    await change(file, 'basic_auth_users: [');
    expect([await status('ada:second'), await status('nobody:at-all')]).toEqual([200, 401]);
    const told = context.events.filter(({ kind }) => kind === 'warning');
    expect(told).toEqual([expect.objectContaining({ hint: expect.stringMatching(/stays in force/) })]);
  });

  it('that were right once are not worked out again, and a flood of wrong ones keeps nobody out', async () => {
    const auth = new BasicAuth();
    const known = { ada: bcrypt.hashSync('right', 8) };
    const check = (login: string) => auth.check(known, basic(login).authorization);
    expect(await check('ada:right')).toBe('allowed');
    const flood = Array.from({ length: 20 }, (_, n) => check(`ada:wrong-${n}`));
    const first = Promise.race(flood.slice(0, 8).map((each) => each.then(() => 'a wrong one')));
    expect(await Promise.race([check('ada:right'), first])).toBe('allowed');
    const outcomes = await Promise.all(flood);
    expect(outcomes.filter((outcome) => outcome === 'refused')).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(12);
  });
});

describe('headers and addresses', () => {
  it('of the configuration win over those that structdb sends', async () => {
    const text = `http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=5\n    X-Frame-Options: deny\n`;
    const { url } = await serve([await nowhere()], { webConfig: await webConfig(text) });
    expect((await ask(`${url}healthz`)).headers).toMatchObject({
      'strict-transport-security': 'max-age=5',
      'x-frame-options': 'deny',
      'x-content-type-options': 'nosniff',
    });
  });

  it('other than loopback are warned of, unless both TLS and passwords guard them', async () => {
    const warnings = async (webConfig?: string) => {
      const { context, stop } = await serve([await nowhere()], { host: '0.0.0.0', webConfig });
      await stop();
      return context.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
    };
    expect(await warnings()).toEqual([expect.stringMatching(/without TLS and password/)]);
    expect(await warnings(await webConfig(TLS))).toEqual([expect.stringMatching(/without a password/)]);
    expect(await warnings(await webConfig(users({ ada: 'x' })))).toEqual([expect.stringMatching(/unencrypted/)]);
    expect(await warnings(await webConfig(TLS + users({ ada: 'x' })))).toEqual([]);
  });
});
