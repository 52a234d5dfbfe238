import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import type { SystemUser } from './run.ts';

/** The variables every program gets: a fixed locale and zone, so that messages and times read the same everywhere. */
export const baseProgramEnvironment: Readonly<Record<string, string>> = Object.freeze({
  LC_ALL: 'C.UTF-8',
  LC_MESSAGES: 'C',
  TZ: 'UTC',
  PGTZ: 'UTC',
  PATH: '/usr/local/bin:/usr/bin:/bin',
});

/**
 * Runs `work` with the environment through which PostgreSQL's programs reach `connection`: the password is in a 0600
 * PGPASSFILE that only `user` can read and that is gone afterwards, never in argv and never in the environment itself
 * (both can be read by others in /proc or `ps`).
 */
export async function withProgramEnvironment<T>(
  connection: ConnectionSettings,
  user: SystemUser | undefined,
  work: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  const env: Record<string, string> = {
    ...baseProgramEnvironment,
    PGHOST: connection.host,
    PGPORT: String(connection.port),
    PGUSER: connection.user,
    PGDATABASE: connection.database,
    PGSSLMODE: connection.tls.mode,
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(connection.connectTimeoutMs / 1000))),
    PGAPPNAME: 'structdb',
  };
  const { tls } = connection;
  if (tls.rootCertificate) env.PGSSLROOTCERT = tls.rootCertificate;
  if (tls.certificate) env.PGSSLCERT = tls.certificate;
  if (tls.key) env.PGSSLKEY = tls.key;
  if (connection.options) env.PGOPTIONS = connection.options;
  if (connection.password === undefined) return work({ ...env, PGPASSFILE: '/nonexistent' });

  // /tmp and not the environment's TMPDIR: the server's user must reach it, and it needs no more than one short file.
  const directory = await mkdtemp(path.join('/tmp', 'structdb-pass-'));
  try {
    const file = path.join(directory, 'pgpass');
    await writeFile(file, `*:*:*:*:${escapePassField(connection.password)}\n`, { mode: 0o600 });
    if (user) {
      await chown(file, user.uid, user.gid);
      await chown(directory, user.uid, user.gid);
    }
    return await work({ ...env, PGPASSFILE: file });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** In a .pgpass file `:` and `\` are escaped (PostgreSQL manual, "The Password File"). */
function escapePassField(text: string): string {
  return text.replace(/[\\:]/g, '\\$&');
}
