import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { findProgram, type Program, type SearchPlaces } from '../programs/find.ts';
import { type BackupEntry, readDumpManifest } from '../repository/backups.ts';
import type { DumpManifest } from '../repository/manifest.ts';
import { requireKey } from '../repository/parts.ts';
import type { Store } from '../storage/store.ts';
import { chooseDumps } from './choose.ts';
import { requireRoom, requireWholeParts } from './fetch.ts';
import { inspectTarget, type Target } from './target.ts';

export interface RestoreOptions {
  readonly store: Store;
  /** One backup, or `latest`: the newest of the connection's database, else of a database named as the target. */
  readonly label: string;
  /** The server to restore on; its database is only used to reach it. */
  readonly connection: ConnectionSettings;
  /** The database to restore into: made, or taken when it is empty. */
  readonly database: string;
  readonly places: SearchPlaces;
}

/** A restore that can be done: every object is there and whole in size, the target takes it, the tools fit. */
export interface RestorePlan {
  readonly entry: BackupEntry;
  readonly manifest: DumpManifest;
  readonly database: string;
  readonly target: Target;
  readonly pgRestore: Program;
}

/** Major that brought transaction_timeout; pg_restore sets it from then on, and an older server refuses it. */
const TRANSACTION_TIMEOUT_MAJOR = 17;

/**
 * Decides everything that can be decided before anything is touched. Writes nothing.
 * @throws BACKUP_MISSING, BACKUP_CORRUPT, MANIFEST_UNREADABLE, TARGET_NOT_EMPTY, TARGET_UNSUITABLE, SERVER_READ_ONLY,
 * PERMISSION_DENIED, PROGRAM_MISSING, PROGRAM_TOO_OLD, DISK_FULL
 */
export async function planDumpRestore(options: RestoreOptions, context: RunContext): Promise<RestorePlan> {
  const plan = async () => {
    const { store, label, connection, database } = options;
    const databases = [connection.database, database];
    const [entry] = await chooseDumps({ store, label, databases, connection, ownOnly: false }, context);
    const manifest = await readDumpManifest(entry!);
    return planFor({ ...options, entry: entry!, manifest }, context);
  };
  return asStep(
    context,
    'restore.plan',
    `Planning the restore of ${options.label}`,
    plan,
    ({ entry }) => `Planned the restore of ${entry.label}`,
  );
}

/** The same for a backup whose manifest was read already. */
export async function planFor(
  options: Omit<RestoreOptions, 'store' | 'label'> & { readonly entry: BackupEntry; readonly manifest: DumpManifest },
  context: RunContext,
): Promise<RestorePlan> {
  const { entry, manifest, database } = options;
  await requireWholeParts(entry, manifest);
  await requireKey(entry, manifest.parts);
  await requireRoom(entry, manifest);
  // An archive is read by the pg_restore of the pg_dump that wrote it, or a newer one.
  const pgRestore = await findProgram('pg_restore', options.places, {
    atLeast: Number.parseInt(manifest.tools.pgDump, 10),
  });
  const target = await inspectTarget(
    options.connection,
    database,
    { label: entry.label, encoding: manifest.database.encoding },
    context,
  );
  requireFittingServer(manifest, target, pgRestore);
  return Object.freeze({ entry, manifest, database, target, pgRestore });
}

function requireFittingServer(manifest: DumpManifest, target: Target, pgRestore: Program): void {
  const { server } = target;
  if (server.major < manifest.server.major) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `The dump was made from PostgreSQL ${manifest.server.version}; this server is ${server.version}, which is older.`,
      { hint: `Restore on PostgreSQL ${manifest.server.major} or newer.` },
    );
  }
  if (pgRestore.major >= TRANSACTION_TIMEOUT_MAJOR && server.major < TRANSACTION_TIMEOUT_MAJOR) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `pg_restore ${pgRestore.version} cannot restore on PostgreSQL ${server.version}: it sets transaction_timeout, which that server does not know.`,
      {
        hint: `Restore on PostgreSQL ${pgRestore.major}, or make dumps with pg_dump ${server.major} (apt-get install postgresql-client-${server.major}).`,
      },
    );
  }
}
