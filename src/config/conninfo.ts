import { StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';

/** libpq's parameters that structdb understands (manual, "Parameter Key Words"). */
const KNOWN = new Set([
  'host',
  'hostaddr',
  'port',
  'dbname',
  'user',
  'password',
  'passfile',
  'service',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'connect_timeout',
  'options',
  // harmless for one host and one session: accepted so that existing URLs work
  'application_name',
  'target_session_attrs',
  'gssencmode',
  'channel_binding',
]);

export type ConnInfo = Readonly<Record<string, string>>;

/**
 * The parameters of a connection string: a `postgres://` URL or libpq's `key=value` form.
 * @throws USAGE for anything else, for unknown parameters and for several hosts.
 */
export function parseConnInfo(text: string, source: string): ConnInfo {
  const info = /^postgres(ql)?:\/\//i.test(text) ? parseUrl(text, source) : parsePairs(text, source);
  const unknown = Object.keys(info).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) {
    throw new StructdbError(
      'USAGE',
      `The connection string of ${source} has unknown parameters: ${unknown.join(', ')}.`,
      {
        hint: `Known are: ${[...KNOWN].join(', ')}.`,
      },
    );
  }
  if (info.host?.includes(',')) {
    throw new StructdbError(
      'USAGE',
      `The connection string of ${source} names several hosts; structdb works on one server.`,
      {
        hint: 'Name the primary.',
      },
    );
  }
  return info;
}

function parseUrl(text: string, source: string): ConnInfo {
  // Taken apart by hand: WHATWG URL refuses an empty host with a port and keeps sockets' %2F undecoded.
  const match =
    /^postgres(?:ql)?:\/\/(?:([^@/?#]*(?:@(?=[^/?#]*@)[^@/?#]*)*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(
      text,
    );
  if (!match) throw notUnderstood(text, source);
  const [, userInfo, hostPort = '', database, query] = match;
  const info: Record<string, string> = {};
  const put = (key: string, value: string | undefined) => {
    if (value !== undefined && value !== '') info[key] = decode(value, text, source);
  };
  if (userInfo !== undefined) {
    const colon = userInfo.indexOf(':');
    put('user', colon < 0 ? userInfo : userInfo.slice(0, colon));
    if (colon >= 0) put('password', userInfo.slice(colon + 1));
  }
  if (hostPort.includes(',')) info.host = hostPort;
  else {
    const address = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d*))?$/.exec(hostPort);
    if (!address) throw notUnderstood(text, source);
    put('host', address[1] ?? address[2]);
    put('port', address[3]);
  }
  put('dbname', database);
  for (const pair of (query ?? '').split('&').filter(Boolean)) {
    const [key, ...rest] = pair.split('=');
    // The JDBC habit of ssl=true is also understood by libpq's URL form.
    if (key === 'ssl' && rest[0] === 'true') put('sslmode', 'require');
    else put(key!, rest.join('='));
  }
  return info;
}

function parsePairs(text: string, source: string): ConnInfo {
  const info: Record<string, string> = {};
  const pattern = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)*))(?:\s+|$)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) throw notUnderstood(text, source);
    info[match[1]!] = (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1');
  }
  if (Object.keys(info).length === 0) throw notUnderstood(text, source);
  return info;
}

function decode(value: string, text: string, source: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw notUnderstood(text, source);
  }
}

function notUnderstood(text: string, source: string): StructdbError {
  // A text that is no URL may be a password pasted in the wrong place: never echo it.
  const shown = /:\/\//.test(text) ? ` "${redact(text)}"` : '';
  return new StructdbError('USAGE', `${source}${shown} is not a connection string.`, {
    hint: 'Write it as postgres://user@host:5432/database (a password stands behind the user and a colon; special characters percent-encoded).',
  });
}
