import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { ClusterManifest } from '../../repository/manifest.ts';

/**
 * A way into a restored server as a superuser. Its socket trusts everybody, but a name must be given, of a role and of a
 * database: those that the manifest tells, then the usual ones. A cluster need have no role and no database "postgres".
 * @throws CONNECTION_FAILED naming what was tried
 */
export async function superuserConnection(
  manifest: ClusterManifest,
  socketDirectory: string,
  context: RunContext,
): Promise<ConnectionSettings> {
  const maker = /^postgres:\/\/([^:@/]+)@[^/]*\/([^?]+)/.exec(manifest.source);
  const [user, database] = [maker?.[1], maker?.[2]].map((part) => (part ? [decodeURIComponent(part)] : []));
  const known = manifest.superuser === null ? [] : [manifest.superuser];
  const users = new Set([...known, ...user!, 'postgres', 'structdb']);
  const databases = new Set(['postgres', ...database!, 'template1']);
  let last: unknown;
  for (const name of users) {
    for (const each of databases) {
      const connection: ConnectionSettings = Object.freeze({
        host: socketDirectory,
        port: 5432,
        database: each,
        user: name,
        tls: { mode: 'disable' as const },
        connectTimeoutMs: 10_000,
        source: 'the restored server',
      });
      try {
        if (await isSuperuser(connection, context)) return connection;
      } catch (error) {
        stopIfInterrupted(context);
        last = error;
      }
    }
  }
  throw new StructdbError(
    'CONNECTION_FAILED',
    `No superuser of the restored server is known; tried ${[...users].join(', ')} in ${[...databases].join(', ')}.`,
    { cause: last, hint: 'Restore it without --replay and start it by hand; a new base backup records its superuser.' },
  );
}

async function isSuperuser(connection: ConnectionSettings, context: RunContext): Promise<boolean> {
  return withClient(connection, profiles.probe, context, async (client) => {
    const { rows } = await client.query<{ super: boolean }>(
      'select rolsuper as super from pg_roles where rolname = current_user',
    );
    return rows[0]?.super === true;
  });
}
