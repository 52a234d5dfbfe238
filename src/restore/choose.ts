import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { type BackupEntry, findBackup, listBackups } from '../repository/backups.ts';
import { findRepositories } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';

/** Stands for the newest backup. */
export const LATEST = 'latest';

export interface Choice {
  readonly store: Store;
  /** One backup, or `latest`. */
  readonly label: string;
  /** Of which database the latest is: the first of these that has dumps. Empty: the only one that has. */
  readonly databases: readonly string[];
  /** The server whose backups come first where several clusters have a database of that name. */
  readonly connection: ConnectionSettings | undefined;
  /** Backups of another cluster than a server that answers are not meant. */
  readonly ownOnly: boolean;
}

/**
 * The dumps that are meant, best first: the one that was named, or all of one database, newest first. The server is asked
 * for its identity at most, and may be gone.
 * @throws BACKUP_MISSING, with what there is
 */
export async function chooseDumps(choice: Choice, context: RunContext): Promise<BackupEntry[]> {
  if (choice.label !== LATEST) return [await findBackup(choice.store, choice.label)];
  const all = await everyDump(choice.store);
  const database = chooseDatabase(choice, all);
  const dumps = all.filter(({ parts }) => parts.database === database);
  const own = choice.connection && (await systemIdentifierOf(choice.connection, context));
  const ofOwn = dumps.filter(({ repository }) => repository.systemIdentifier === own);
  if (ofOwn.length > 0) return ofOwn;
  if (own !== undefined && choice.ownOnly) {
    throw new StructdbError(
      'BACKUP_MISSING',
      `${choice.store.location} has no dump of database "${database}" of this server, only ${dumps.length} of another cluster.`,
      { hint: `Make one (structdb backup run), or name another cluster's: ${dumps[0]!.label}` },
    );
  }
  return dumps;
}

/** Newest first. */
async function everyDump(store: Store): Promise<BackupEntry[]> {
  const entries: BackupEntry[] = [];
  for (const repository of await findRepositories(store)) {
    for (const entry of await listBackups(repository)) if (entry.parts.kind === 'dump') entries.push(entry);
  }
  return entries.sort((a, b) => b.parts.at.getTime() - a.parts.at.getTime());
}

function chooseDatabase({ store, databases }: Choice, dumps: readonly BackupEntry[]): string {
  const present = [...new Set(dumps.map(({ parts }) => parts.database!))];
  const chosen = databases.length > 0 ? databases.find((name) => present.includes(name)) : present[0];
  if (chosen !== undefined && (databases.length > 0 || present.length === 1)) return chosen;
  const wanted = databases.length === 0 ? '' : ` of database ${databases.map((name) => `"${name}"`).join(' or ')}`;
  const there = present.map((name) => `"${name}"`).join(', ');
  if (present.length === 0) {
    throw new StructdbError('BACKUP_MISSING', `${store.location} has no dump${wanted}: it holds none at all.`, {
      hint: 'Make one first: structdb backup run   (or name the store with --store)',
    });
  }
  throw new StructdbError(
    'BACKUP_MISSING',
    databases.length === 0
      ? `${store.location} has dumps of ${present.length} databases: ${there}.`
      : `${store.location} has no dump${wanted}; there are dumps of ${there}.`,
    { hint: 'Name the backup: structdb backup list' },
  );
}

/** Which cluster this is; undefined when it cannot be asked. */
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
