import { chown, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import { abandonedDirectories, withOwnDirectory } from './own-directory.ts';
import type { SystemUser } from './run.ts';

const KIND = 'secret';

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
  if (tls.serverName) Object.assign(env, { PGHOST: tls.serverName, PGHOSTADDR: connection.host });
  if (tls.rootCertificate) env.PGSSLROOTCERT = tls.rootCertificate;
  if (tls.certificate) env.PGSSLCERT = tls.certificate;
  if (tls.key) env.PGSSLKEY = tls.key;
  if (connection.options) env.PGOPTIONS = connection.options;
  const { password } = connection;
  if (password === undefined) return work({ ...env, PGPASSFILE: '/nonexistent' });

  return withSecretFile(`*:*:*:*:${escapePassField(password)}\n`, user, (file) => work({ ...env, PGPASSFILE: file }));
}

/** Gives `work` a file that only `user` can read and that is gone afterwards. */
export async function withSecretFile<T>(
  content: string,
  user: SystemUser | undefined,
  work: (file: string) => Promise<T>,
): Promise<T> {
  // What a kill -9 left of others holds a password: it goes now.
  for (const left of await abandonedDirectories(KIND)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return withOwnDirectory(KIND, 0o700, async (directory) => {
    const file = path.join(directory, 'secret');
    await writeFile(file, content, { mode: 0o600 });
    if (user) for (const own of [file, directory]) await chown(own, user.uid, user.gid);
    return work(file);
  });
}

/** In a .pgpass file `:` and `\` are escaped (PostgreSQL manual, "The Password File"). */
function escapePassField(text: string): string {
  return text.replace(/[\\:]/g, '\\$&');
}
