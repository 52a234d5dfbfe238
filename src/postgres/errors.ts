import { isNativeError } from 'node:util/types';
import { type ConnectionSettings, describeConnection, type SslMode } from '../config/connection.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';

/** Whether a failed first attempt of sslmode prefer or allow is worth the other way (libpq tries both). */
export function isUndecided(error: unknown, mode: SslMode, attempt: number): boolean {
  if (attempt > 0) return false;
  const message = messageOf(error);
  if (mode === 'prefer')
    return /does not support SSL|SSL|TLS|ssl|certificate/.test(message) || codeOf(error) === '28000';
  if (mode === 'allow') return codeOf(error) === '28000';
  return false;
}

/** A failed connection attempt in words that name the server and the next step. */
export function translateConnectionError(error: unknown, connection: ConnectionSettings): StructdbError {
  if (error instanceof StructdbError) return error;
  const where = describeConnection(connection);
  const code = codeOf(error);
  const message = redact(messageOf(error));
  const from = `(from ${connection.source})`;
  // pg refuses by itself to answer SCRAM with an empty password, under no code.
  if (connection.password === undefined && (code === '28P01' || /password must be a non-empty/.test(message))) {
    return new StructdbError(
      'AUTHENTICATION_FAILED',
      `${where} asks for the password of "${connection.user}", and there is none ${from}.`,
      {
        cause: error,
        hint: 'Give it in the URL, PGPASSWORD or ~/.pgpass, which counts only when nobody else may read it: chmod 600 ~/.pgpass',
      },
    );
  }
  switch (code) {
    case '28P01':
      return new StructdbError(
        'AUTHENTICATION_FAILED',
        `${where} refused the password of "${connection.user}" ${from}.`,
        {
          cause: error,
          hint: 'Check the password in the URL, PGPASSWORD or ~/.pgpass.',
        },
      );
    case '28000':
      return new StructdbError('AUTHENTICATION_FAILED', `${where} refused the connection: ${message} ${from}.`, {
        cause: error,
        hint: "Check the user, sslmode and the server's pg_hba.conf.",
      });
    case '3D000':
      return new StructdbError(
        'DATABASE_MISSING',
        `${where}: the database "${connection.database}" does not exist ${from}.`,
        {
          cause: error,
          hint: `Create it: createdb -h ${connection.host} -p ${connection.port} ${connection.database}`,
        },
      );
    case '53300': {
      const limited = limitedBy(error);
      if (limited === undefined) {
        return new StructdbError('CONNECTION_FAILED', `${where}: the server has no free connection slot: ${message}.`, {
          cause: error,
          hint: 'Close other connections or raise max_connections.',
        });
      }
      const name = connection[limited === 'ROLE' ? 'user' : 'database'].replaceAll('"', '""');
      return new StructdbError('CONNECTION_FAILED', `${where}: ${message}.`, {
        cause: error,
        hint: `Close other connections of it, or raise its own limit (-1 is none): ALTER ${limited} "${name}" CONNECTION LIMIT -1`,
      });
    }
    case '57P03':
      return new StructdbError('CONNECTION_FAILED', `${where}: ${message}.`, {
        cause: error,
        hint: 'The server is starting or stopping: try again in a moment.',
      });
    case '08P01':
      // PgBouncer refuses `options`, in which the limits of a structdb connection travel.
      if (!/unsupported startup parameter/i.test(message)) return unreachable(error, connection, message);
      return new StructdbError(
        'POOLED_CONNECTION',
        `${where} is a pooler that keeps no settings of a session ${from}: ${message}.`,
        { cause: error, hint: 'Give the address of the server itself (--url), not of its pooler.' },
      );
    default:
      return unreachable(error, connection, message);
  }
}

/** Whose CONNECTION LIMIT a 53300 is about, by where the server says it, which is no matter of its language. */
function limitedBy(error: unknown): 'ROLE' | 'DATABASE' | undefined {
  switch ((error as { readonly routine?: string }).routine) {
    case 'InitializeSessionUserId':
      return 'ROLE';
    case 'CheckMyDatabase':
      return 'DATABASE';
    default:
      return undefined;
  }
}

/**
 * Why a failed connection attempt is what a starting server gives, in words that end "the server at …: it …"; undefined
 * for a failure that waiting does not help.
 */
export function startingReason({ code, cause }: StructdbError): string | undefined {
  // A certificate file that is not there is ENOENT too, of another code.
  if (code !== 'CONNECTION_FAILED') return undefined;
  // A host name may have several addresses, each with an error of its own.
  const errors = (cause as { readonly errors?: readonly unknown[] } | undefined)?.errors ?? [cause];
  return errors.map(startingReasonOf).find((reason) => reason !== undefined);
}

function startingReasonOf(error: unknown): string | undefined {
  const message = messageOf(error);
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOENT':
      return 'its socket is not there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name is not known';
    case 'EHOSTUNREACH':
      return 'its host cannot be reached';
    case 'ETIMEDOUT':
      return 'it does not answer';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closes the connection';
    case '57P03':
      return stateOfServer(redact(message));
    default:
      if (message === 'timeout expired') return 'it does not answer';
      // So answers the proxy of a container in which nothing listens yet.
      return message === 'Connection terminated unexpectedly' ? 'it closes the connection' : undefined;
  }
}

/** `it is starting up`, `it is in recovery mode`; in the server's own words where it speaks another language. */
function stateOfServer(message: string): string {
  const [, state] = /^the database system is (.+)$/.exec(message) ?? [];
  return state === undefined ? `it says "${message}"` : `it is ${state}`;
}

function unreachable(error: unknown, connection: ConnectionSettings, message: string): StructdbError {
  return new StructdbError(
    'CONNECTION_FAILED',
    `Cannot reach ${describeConnection(connection)} (from ${connection.source}): ${reasonOf(error, message)}.`,
    { cause: error, hint: tlsHint(codeOf(error), message) ?? serverHint(connection) },
  );
}

function serverHint(connection: ConnectionSettings): string {
  return connection.source === 'the private server'
    ? 'Run: structdb dev start'
    : 'Check that the server runs and that host and port are right; a private server: structdb dev start';
}

/** OpenSSL's and Node's refusals of a certificate, and pg's of a server that has none. */
function tlsHint(code: string | undefined, message: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'Connect by a name that the certificate holds; sslmode=verify-ca does not look at the name.';
  if (code === 'CERT_HAS_EXPIRED') return "Renew the server's certificate.";
  if (/^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER))/.test(code ?? ''))
    return "Name the certificate of the authority that signed the server's: sslrootcert=<file>.";
  if (/does not support SSL/.test(message))
    return 'Set ssl = on in the server, or give this connection sslmode=prefer or sslmode=disable.';
  return undefined;
}

function reasonOf(error: unknown, message: string): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  switch (codeOf(inner)) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known';
    case 'ENOENT':
      return 'there is no such socket';
    case 'EACCES':
      return 'this user may not use the socket';
    case 'ETIMEDOUT':
      return 'the connection timed out';
    default:
      return (inner === error ? message : messageOf(inner)).replace(/\.$/, '') || 'the connection failed';
  }
}

/** Who owns a database may not use what others have made in it. */
function grantHint(message: string, { database, user }: ConnectionSettings): string {
  const [, kind, name] =
    /^permission denied for (schema|table|view|materialized view|sequence|function) (.+)$/.exec(message) ?? [];
  if (kind === 'schema') return `Run as its owner, or let that one run: GRANT USAGE ON SCHEMA "${name}" TO "${user}"`;
  if (kind !== undefined) return `Run as the owner of ${name}, or let that one grant it to "${user}".`;
  return `Run as the owner of the database, or: ALTER DATABASE "${database}" OWNER TO "${user}"`;
}

/** An error of a statement as a StructdbError; anything that is not the database's passes through. */
export function translateDatabaseError(error: unknown, connection: ConnectionSettings): unknown {
  // By its nature, not its class: an error of Node's own may come from another realm, as in a test's.
  if (error instanceof StructdbError || !isNativeError(error)) return error;
  const code = codeOf(error);
  if (isConnectionLoss(error)) {
    return new StructdbError(
      'CONNECTION_LOST',
      `${describeConnection(connection)} closed the connection: ${redact(error.message)}.`,
      {
        cause: error,
        hint: "Check the server's log, then run the command again.",
      },
    );
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const { detail, hint } = error as { detail?: string; hint?: string };
  const message = redact(error.message);
  if (code === '42501') {
    return new StructdbError(
      'PERMISSION_DENIED',
      `"${connection.user}" may not do this in database "${connection.database}": ${message}.`,
      {
        cause: error,
        hint: grantHint(message, connection),
      },
    );
  }
  if (code === '55P03') {
    return new StructdbError('LOCKED', `Somebody else holds a lock in database "${connection.database}": ${message}.`, {
      cause: error,
      hint: "Wait, then run the command again; who works there: select pid, usename, query from pg_stat_activity where state <> 'idle'",
    });
  }
  if (code === '53100') {
    return new StructdbError('DISK_FULL', `The server's disk is full: ${message}.`, {
      cause: error,
      hint: 'Free space on the server, then run the command again.',
    });
  }
  return new StructdbError('SQL_FAILED', `The server refused a statement: ${message} (SQLSTATE ${code}).`, {
    cause: error,
    ...(hint ? { hint } : {}),
    details: detail ? [redact(detail)] : [],
  });
}

/** Class 08, an administrator's or a crash's shutdown, or a closed socket. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && (/^(08...|57P0[1245])$/.test(code) || code === 'ECONNRESET' || code === 'EPIPE'))
    return true;
  return /Connection terminated|Client has encountered a connection error|not queryable|connection has been discarded/i.test(
    messageOf(error),
  );
}
