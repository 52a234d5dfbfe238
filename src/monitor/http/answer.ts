import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { EXPOSITION_TYPE } from '../metrics/exposition.ts';
import type { Monitor } from '../monitor.ts';
import { PAGE_CSP, renderFragment, renderPage } from '../page/index.ts';

const compress = promisify(gzip);

/** What is sent back. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

/** Of all but the page: nothing of an answer may load or run anything, or be framed. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

type Route = (monitor: Monitor) => Answer | Promise<Answer>;

const ROUTES: Readonly<Record<string, Route>> = {
  '/': ({ view }) => ({
    status: 200,
    type: HTML,
    body: renderPage(view),
    headers: { 'content-security-policy': PAGE_CSP },
  }),
  '/fragment': ({ view }) => ({ status: 200, type: HTML, body: renderFragment(view) }),
  '/metrics': async (monitor) => ({ status: 200, type: EXPOSITION_TYPE, body: await monitor.metrics() }),
  '/api/state': ({ view }) => ({
    status: 200,
    type: 'application/json; charset=utf-8',
    body: `${JSON.stringify(view)}\n`,
  }),
  '/healthz': () => text(200, 'ok'),
  '/readyz': ({ notReady }) => (notReady === null ? text(200, 'ok') : text(503, notReady)),
};

/** The answer to a request that was let in. Only the path is looked at: nothing here takes parameters. */
export async function answerTo({ method, url }: IncomingMessage, monitor: Monitor): Promise<Answer> {
  const [path] = (url ?? '').split('?');
  const route = Object.hasOwn(ROUTES, path!) ? ROUTES[path!] : undefined;
  if (!route) return text(404, `There is nothing here. There is: ${Object.keys(ROUTES).join(' ')}`);
  if (method === 'GET' || method === 'HEAD') return route(monitor);
  return { ...text(405, 'Only GET and HEAD are answered.'), headers: { allow: 'GET, HEAD', connection: 'close' } };
}

export function text(status: number, line: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: TEXT, body: `${line}\n`, headers };
}

/** Sends an answer, compressed where that was asked for. `own`: headers of the web configuration, which win. */
export async function send(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  own: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const zipped = answer.body.length > 1024 && acceptsGzip(request.headers['accept-encoding']);
  const body = zipped ? await compress(answer.body, { level: constants.Z_BEST_SPEED }) : Buffer.from(answer.body);
  const headers: Record<string, string | number | undefined> = {
    'content-type': answer.type,
    'content-length': body.length,
    vary: 'accept-encoding',
    'cache-control': 'no-store',
    'content-security-policy': NOTHING,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    ...answer.headers,
  };
  for (const [name, value] of Object.entries(own)) headers[name.toLowerCase()] = value;
  response.writeHead(
    answer.status,
    Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
  );
  response.end(body);
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return /(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+)?\s*(,|$)/i.test(String(header ?? ''));
}
