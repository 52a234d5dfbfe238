import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { type BackupEntry, findBackup, listBackups } from '../repository/backups.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';

/**
 * The dumps to try, best first: the one that was named, or those of the connected database, newest first. The source is
 * asked for its identity at most: a drill must work while it is down.
 * @throws BACKUP_MISSING
 */
export async function candidates(
  options: { readonly store: Store; readonly connection: ConnectionSettings; readonly label?: string | undefined },
  context: RunContext,
): Promise<BackupEntry[]> {
  const { store, connection, label } = options;
  if (label !== undefined) return [await findBackup(store, label)];
  const { database } = connection;
  const holding: { repository: Repository; entries: BackupEntry[] }[] = [];
  for (const repository of await findRepositories(store)) {
    const entries = await listBackups(repository, { kind: 'dump', database });
    if (entries.length > 0) holding.push({ repository, entries });
  }
  const own = holding.length > 1 ? await systemIdentifierOf(connection, context) : undefined;
  const chosen = own === undefined ? holding : holding.filter(({ repository }) => repository.systemIdentifier === own);
  const entries = chosen.flatMap((held) => held.entries).sort((a, b) => (a.label < b.label ? 1 : -1));
  if (entries.length > 0) return entries;
  throw new StructdbError('BACKUP_MISSING', `${store.location} has no dump of database "${database}".`, {
    hint: 'Make one first: structdb backup run',
  });
}

/** Which cluster this is; undefined when the source cannot be asked. */
async function systemIdentifierOf(connection: ConnectionSettings, context: RunContext): Promise<string | undefined> {
  try {
    return await withClient(connection, profiles.probe, context, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'select system_identifier::text as id from pg_catalog.pg_control_system()',
      );
      return rows[0]?.id;
    });
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'INTERRUPTED') throw error;
    return undefined;
  }
}
