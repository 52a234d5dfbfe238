import { execFile } from 'node:child_process';
import { chmod, chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { findServerPrograms } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testEnvironment, testPlaces } from './environment.ts';
import { serverDirectory, startLoopbackServer } from './loopback-server.ts';

const run = promisify(execFile);
export interface TlsServer {
  /** The superuser's way, unencrypted. */
  readonly superuser: ConnectionSettings;
  /** Holds ca.crt (the authority that signed the server), other.crt (one that did not), client.crt and client.key. */
  readonly directory: string;
}

/** A server with ssl = on whose certificate is for "localhost" alone; `pgHba` are the first lines of its pg_hba.conf. */
export async function tlsServer(pgHba: readonly string[]): Promise<TlsServer> {
  const user = await serverUser(testEnvironment());
  const programs = await findServerPrograms(testPlaces());
  const directory = await serverDirectory('tls', user);
  await makeCertificates(directory);
  if (user) await chown(path.join(directory, 'server.key'), user.uid, user.gid);
  const settings = {
    ssl: 'on',
    ssl_cert_file: path.join(directory, 'server.crt'),
    ssl_key_file: path.join(directory, 'server.key'),
    ssl_ca_file: path.join(directory, 'ca.crt'),
  };
  const superuser = await startLoopbackServer({ programs, user, directory, settings, pgHba });
  return { superuser, directory };
}

/** Two authorities, and certificates of the first for the server "localhost" and for the client "certified". */
export async function makeCertificates(directory: string): Promise<void> {
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
