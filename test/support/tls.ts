import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { findServerPrograms, freePort, initCluster, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testContext } from './context.ts';
import { testEnvironment, testPlaces } from './environment.ts';

const run = promisify(execFile);
const stops: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const stop of stops) await stop();
});

export interface TlsServer {
  /** The superuser's way, unencrypted. */
  readonly superuser: ConnectionSettings;
  /** Holds ca.crt (the authority that signed the server), other.crt (one that did not), client.crt and client.key. */
  readonly directory: string;
}

/** A server with ssl = on whose certificate is for "localhost" alone; `pgHba` are the lines of its pg_hba.conf. */
export async function tlsServer(pgHba: readonly string[]): Promise<TlsServer> {
  const user = await serverUser(testEnvironment());
  const programs = await findServerPrograms(testPlaces());
  const directory = await mkdtemp('/var/tmp/structdb-tls-');
  stops.push(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  await makeCertificates(directory);
  if (user) for (const own of ['', 'server.key']) await chown(path.join(directory, own), user.uid, user.gid);
  const server = { programs, dataDirectory: path.join(directory, 'data'), user };
  const port = await freePort();
  const password = 'tls-superuser-password';
  const settings = {
    ...scratchSettings(),
    fsync: 'off',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    ssl: 'on',
    ssl_cert_file: path.join(directory, 'server.crt'),
    ssl_key_file: path.join(directory, 'server.key'),
    ssl_ca_file: path.join(directory, 'ca.crt'),
  };
  await initCluster({ ...server, superuser: 'postgres', password, settings, throwaway: true }, testContext());
  const hba = path.join(server.dataDirectory, 'pg_hba.conf');
  await writeFile(hba, `${pgHba.join('\n')}\n${await readFile(hba, 'utf8')}`);
  stops.unshift(() => stopServer({ ...server, mode: 'immediate' }));
  await startServer({ ...server, logFile: path.join(directory, 'server.log') }, testContext());
  const superuser: ConnectionSettings = {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    password,
    tls: { mode: 'disable' },
    connectTimeoutMs: 10_000,
    source: 'a test server',
  };
  return { superuser, directory };
}

/** Two authorities, and certificates of the first for the server "localhost" and for the client "certified". */
async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory });
  for (const authority of ['ca', 'other']) {
    await openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=structdb test ${authority}`],
      ...['-keyout', `${authority}.key`, '-out', `${authority}.crt`],
    );
  }
  await writeFile(path.join(directory, 'names.cnf'), 'subjectAltName=DNS:localhost\n');
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', 'certified'],
  ] as const) {
    await openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${subject}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    await openssl(
      ...['x509', '-req', '-days', '2', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-out', `${name}.crt`, ...(name === 'server' ? ['-extfile', 'names.cnf'] : [])],
    );
    await chmod(path.join(directory, `${name}.key`), 0o600);
  }
}
