import { describeConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { listBackups } from '../repository/backups.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import { measureWalArchive } from '../repository/wal-archive.ts';
import { readPrivateServer } from './address.ts';
import { locateHome, type ServerHome } from './home.ts';
import { readPostmaster } from './postmaster.ts';
import { openOwnStore } from './store.ts';

export interface StatusResult {
  /**
   * `crashed`: its server was killed; `unreachable`: its process runs but answers nobody (it recovers, or it hangs);
   * `copied`: the files belong to another checkout's server.
   */
  readonly state: 'none' | 'stopped' | 'running' | 'unreachable' | 'crashed' | 'copied';
  readonly url: string | null;
  readonly version: string | null;
  readonly embedded: boolean;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly storeDirectory: string;
  readonly socketDirectory: string | null;
  readonly startedAt: string | null;
  /** Of all databases, when the server runs. */
  readonly databaseBytes: number | null;
  readonly wal: WalStatus | null;
  readonly backups: number;
}

export interface WalStatus {
  readonly segments: number;
  readonly sizeBytes: number;
  /** Beyond this the oldest segments are removed; null when a base backup needs them. */
  readonly limitBytes: number | null;
  /** The server's own count of failed archive commands since its statistics began; null when it does not run. */
  readonly failedCount: number | null;
  readonly lastArchived: string | null;
  readonly lastFailed: string | null;
}

/** How the private server of a checkout is. Changes nothing. */
export async function privateServerStatus(
  options: { readonly projectRoot: string; readonly places: SearchPlaces; readonly dev: Config['dev'] },
  context: RunContext,
): Promise<StatusResult> {
  const home = await locateHome(options.projectRoot, options.places.environment);
  const found = await stateOf(home);
  const live = found === 'running' ? await askServer(options.projectRoot, context) : undefined;
  const state = found === 'running' && !live ? 'unreachable' : found;
  const { record } = home;
  return Object.freeze({
    state,
    url: live?.url ?? null,
    version: record?.version ?? null,
    embedded: record?.embedded ?? false,
    directory: home.directory,
    dataDirectory: home.dataDirectory,
    storeDirectory: home.storeDirectory,
    socketDirectory: live ? (record?.socketDirectory ?? null) : null,
    startedAt: live?.startedAt.toISOString() ?? null,
    databaseBytes: live?.databaseBytes ?? null,
    ...(await kept(home, options, live, context)),
  });
}

/** What only the server itself knows; undefined when it does not answer. */
async function askServer(projectRoot: string, context: RunContext): Promise<Live | undefined> {
  const connection = await readPrivateServer(projectRoot);
  if (!connection) return undefined;
  try {
    return await withClient(connection, profiles.probe, context, async (client) => {
      const { rows } = await client.query<Omit<Live, 'url'>>(QUERY);
      return { ...rows[0]!, url: describeConnection(connection) };
    });
  } catch (error) {
    if (error instanceof StructdbError && /^CONNECTION_/.test(error.code)) return undefined;
    throw error;
  }
}

const QUERY = `
select pg_postmaster_start_time() as "startedAt",
  (select sum(pg_database_size(oid)) from pg_database)::float8 as "databaseBytes",
  failed_count::int as "failedCount", last_archived_wal as "lastArchived",
  case when last_failed_time > coalesce(last_archived_time, '-infinity') then last_failed_wal end as "lastFailed"
from pg_stat_archiver`;

interface Live {
  readonly url: string;
  readonly startedAt: Date;
  readonly databaseBytes: number;
  readonly failedCount: number;
  readonly lastArchived: string | null;
  readonly lastFailed: string | null;
}

export async function stateOf(home: ServerHome): Promise<StatusResult['state']> {
  if (home.copiedFrom !== undefined) return 'copied';
  if (!home.record?.systemIdentifier) return 'none';
  const postmaster = await readPostmaster(home.dataDirectory);
  if (!postmaster) return 'stopped';
  return postmaster.ours ? 'running' : 'crashed';
}

/** A store that cannot be looked into is what breaks archiving: the status then tells both, instead of failing. */
async function repositoriesOf(home: ServerHome, places: SearchPlaces, context: RunContext): Promise<Repository[]> {
  try {
    return await findRepositories(openOwnStore(home, places.environment));
  } catch (error) {
    if (!(error instanceof StructdbError)) throw error;
    const { message, hint } = error;
    context.report({ kind: 'warning', message, ...(hint ? { hint } : {}) });
    return [];
  }
}

/** What the store of this server holds: backups of every cluster that lived here, WAL of this one. */
async function kept(
  home: ServerHome,
  options: { readonly places: SearchPlaces; readonly dev: Config['dev'] },
  live: Live | undefined,
  context: RunContext,
): Promise<{ wal: WalStatus | null; backups: number }> {
  let backups = 0;
  let own: { readonly segments: number; readonly sizeBytes: number } | undefined;
  let limitBytes: number | null = options.dev.walLimit;
  for (const repository of await repositoriesOf(home, options.places, context)) {
    const entries = await listBackups(repository);
    backups += entries.length;
    if (repository.systemIdentifier !== home.record?.systemIdentifier) continue;
    own = await measureWalArchive(repository);
    if (entries.some(({ parts }) => parts.kind !== 'dump')) limitBytes = null;
  }
  // A running server has an archiver also before the first file arrived: it may be what never works.
  const wal =
    own || live
      ? {
          segments: own?.segments ?? 0,
          sizeBytes: own?.sizeBytes ?? 0,
          limitBytes,
          failedCount: live?.failedCount ?? null,
          lastArchived: live?.lastArchived ?? null,
          lastFailed: live?.lastFailed ?? null,
        }
      : null;
  return { wal, backups };
}
