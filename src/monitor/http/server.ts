import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RunContext } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import type { Monitor } from '../monitor.ts';
import { type Answer, answerTo, send, text } from './answer.ts';
import { BasicAuth } from './basic-auth.ts';
import { tlsOptions, watchTls } from './tls.ts';
import { WebConfigFile } from './web-config.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Absolute. */
  readonly webConfig: string | undefined;
  /** How long an answer may take before its first byte, in milliseconds. */
  readonly answerMs: number;
}

/** A client that sends slower is hung up on. Milliseconds. */
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
/** Longer than the pauses between scrapes, so that Prometheus keeps its connection. */
const KEEP_ALIVE_MS = 75_000;
/** A client that takes nothing of its answer for so long is hung up on. */
const STALLED_MS = 20_000;
const MOST_CONNECTIONS = 64;
const LARGEST_HEADERS = 8192;
/** What runs when it is told to stop may end within this. */
const STOP_MS = 2000;

const LIMITS = Object.freeze({
  maxHeaderSize: LARGEST_HEADERS,
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 1000,
});

export interface HttpService {
  /** `https://127.0.0.1:9187/` */
  readonly url: string;
  readonly requests: number;
  /** Lets what is being answered end, for a moment, and hangs up. */
  stop(): Promise<void>;
}

/** Answers requests until it is stopped. @throws PORT_TAKEN, USAGE for an address that is not this machine's, and of the web configuration */
export async function listen(monitor: Monitor, options: HttpOptions, context: RunContext): Promise<HttpService> {
  const { host, port } = options;
  const warn = ({ message, details }: StructdbError) => {
    const hint = [...details, 'What was read before stays in force.'].join('; ');
    context.report({ kind: 'warning', message, hint });
  };
  const web = options.webConfig === undefined ? undefined : new WebConfigFile(options.webConfig, warn);
  const auth = new BasicAuth();
  let requests = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    requests += 1;
    void respond(request, response, monitor, web, auth).catch(() => response.destroy());
  };
  const tls = web?.current.tls_server_config;
  let server: Server;
  if (tls) {
    const secure = createTlsServer({ ...LIMITS, ...tlsOptions(tls) }, onRequest);
    watchTls(secure, () => web?.current.tls_server_config, warn);
    server = secure;
  } else server = createServer(LIMITS, onRequest);
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(options.answerMs + STALLED_MS);
  await start(server, host, port);
  const { address, port: taken } = server.address() as AddressInfo;
  if (!isLoopback(address) && !(tls && web?.current.basic_auth_users)) warnOfOpenDoor(context, tls !== undefined, web);
  return {
    url: `${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${taken}/`,
    get requests() {
      return requests;
    },
    stop: () => stop(server),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  monitor: Monitor,
  web: WebConfigFile | undefined,
  auth: BasicAuth,
): Promise<void> {
  // A body is nobody's business here; unread, it would keep the connection.
  request.resume();
  const config = web?.current;
  const answer = (await letIn(request, config?.basic_auth_users, auth)) ?? (await answerOrFailure(request, monitor));
  await send(answer, request, response, config?.http_server_config?.headers ?? {});
}

/** undefined for who may come in. Everything is behind the password, probes too: as with Prometheus' exporters. */
async function letIn(
  { headers }: IncomingMessage,
  users: Readonly<Record<string, string>> | undefined,
  auth: BasicAuth,
): Promise<Answer | undefined> {
  if (users === undefined || Object.keys(users).length === 0) return undefined;
  const login = await auth.check(users, headers.authorization);
  if (login === 'allowed') return undefined;
  if (login === 'busy') return text(503, 'Too many passwords are being checked.', { 'retry-after': '1' });
  return text(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="structdb", charset="UTF-8"' });
}

/** A defect answers 500 and leaves the process alone; what it was stays here. */
async function answerOrFailure(request: IncomingMessage, monitor: Monitor): Promise<Answer> {
  return answerTo(request, monitor).catch(() => text(500, 'structdb failed to answer.'));
}

async function start(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
    throw describeFailure(cause, host, port);
  });
}

function describeFailure(cause: unknown, host: string, port: number): StructdbError {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new StructdbError('PORT_TAKEN', `Port ${port} of ${host} is in use.`, {
        cause,
        hint: `Who has it: ss -ltnp 'sport = :${port}'   or take another one: --port <n>`,
      });
    case 'EACCES':
      return new StructdbError('PERMISSION_DENIED', `Only root may listen on port ${port}.`, {
        cause,
        hint: 'Take one from 1024 on: --port <n>',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StructdbError('USAGE', `"${host}" is no address of this machine.`, {
        cause,
        hint: 'Name one of them, or 0.0.0.0 for all: --host <address>',
      });
    default:
      return new StructdbError('INTERNAL', `Cannot listen on ${host}, port ${port}: ${messageOf(cause)}`, { cause });
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function warnOfOpenDoor(context: RunContext, encrypted: boolean, web: WebConfigFile | undefined): void {
  const asks = web?.current.basic_auth_users !== undefined;
  const what = encrypted
    ? 'without a password'
    : asks
      ? 'with passwords that travel unencrypted'
      : 'without TLS and password';
  context.report({
    kind: 'warning',
    message: `Whoever reaches this machine reads the state of the database, ${what}.`,
    hint: 'Give TLS and users in a web configuration: --web-config <file> (docs/monitoring.md)',
  });
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
  await closed;
  clearTimeout(timer);
}
