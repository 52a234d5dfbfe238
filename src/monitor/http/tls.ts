import type { Server } from 'node:https';
import {
  createSecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { readText, stampOf, type TlsConfig } from './web-config.ts';

/** A client that does not get through with its handshake by then is hung up on. */
const HANDSHAKE_MS = 5000;

const VERSIONS: Readonly<Record<TlsConfig['min_version'], SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** How the server is made. @throws WEB_CONFIG_INVALID where certificate and key cannot be used; FILE_MISSING, FILE_UNREADABLE */
export function tlsOptions(config: TlsConfig): TlsOptions {
  const type = config.client_auth_type;
  return {
    ...readCertificates(config),
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: type !== 'NoClientCert',
    // The other types let a client in that none has verified, or look at it themselves.
    rejectUnauthorized: type === 'RequireAndVerifyClientCert',
  };
}

/** Takes new certificates for the next connection, and ends connections whose client certificate does not do. */
export function watchTls(
  server: Server,
  config: () => TlsConfig | undefined,
  onProblem: (problem: StructdbError) => void,
): void {
  let stamp = stampOfAll(config());
  // Before Node's own listener, which begins the handshake.
  server.prependListener('connection', () => {
    const current = config();
    const now = stampOfAll(current);
    if (current === undefined || now === stamp) return;
    stamp = now;
    try {
      server.setSecureContext(readCertificates(current));
    } catch (error) {
      if (!(error instanceof StructdbError)) throw error;
      onProblem(error);
    }
  });
  server.on('secureConnection', (socket) => {
    if (!isWelcome(socket, config()?.client_auth_type)) socket.destroy();
  });
}

function isWelcome(socket: TLSSocket, type: TlsConfig['client_auth_type'] | undefined): boolean {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  if (type === 'RequireAnyClientCert') return given;
  return type !== 'VerifyClientCertIfGiven' || !given || socket.authorized;
}

function readCertificates(config: TlsConfig): SecureContextOptions {
  const { cert_file, key_file, client_ca_file, min_version, max_version } = config;
  const options: SecureContextOptions = {
    cert: readText(cert_file, 'the certificate'),
    key: readText(key_file, 'the key'),
    ...(client_ca_file === undefined ? {} : { ca: readText(client_ca_file, "the authority of clients' certificates") }),
    minVersion: VERSIONS[min_version],
    maxVersion: VERSIONS[max_version],
  };
  try {
    createSecureContext(options);
    return options;
  } catch (cause) {
    throw new StructdbError('WEB_CONFIG_INVALID', `${cert_file} and ${key_file} cannot be used: ${messageOf(cause)}.`, {
      cause,
      hint: 'A certificate and its own key are needed, both in PEM, the key without a password.',
    });
  }
}

function stampOfAll(config: TlsConfig | undefined): string {
  if (config === undefined) return '';
  const { cert_file, key_file, client_ca_file, min_version, max_version } = config;
  const files = [cert_file, key_file, client_ca_file].map((each) => (each === undefined ? '' : stampOf(each)));
  return [...files, min_version, max_version].join('|');
}
