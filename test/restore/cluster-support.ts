import { createHash } from 'node:crypto';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import type pg from 'pg';
import { runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema } from '../../src/config/schema.ts';
import {
  findServerPrograms,
  initCluster,
  type ServerPrograms,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import type { SearchPlaces } from '../../src/programs/find.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { writeArchiveProgram } from '../../src/repository/archive-program.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';

/** A cluster of its own that archives into a store of its own. */
export interface SourceCluster {
  readonly connection: ConnectionSettings;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  readonly systemIdentifier: string;
  readonly store: Store;
  /** Ends the current segment and waits until it is archived; returns its name. */
  archive(): Promise<string>;
  start(): Promise<void>;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

interface Given {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  readonly store: Store;
}

const running: SourceCluster[] = [];
afterAll(async () => {
  for (const cluster of running) {
    await cluster.stop('immediate').catch(() => {});
    await rm(cluster.directory, { recursive: true, force: true });
  }
});

export interface SourceOptions {
  /** Those of the system by default. */
  readonly programs?: ServerPrograms;
  readonly settings?: Readonly<Record<string, string>>;
  /** A new directory store by default. */
  readonly store?: Store;
}

/** Starts a source below `scratch`. */
export async function sourceCluster(scratch: string, options: SourceOptions = {}): Promise<SourceCluster> {
  const user = await serverUser(testEnvironment());
  const programs = options.programs ?? (await findServerPrograms(testPlaces()));
  const directory = await mkdtemp(path.join(scratch, 'source-'));
  if (user) await chown(directory, user.uid, user.gid);
  const store = options.store ?? (await directoryStore(path.join(scratch, `${path.basename(directory)}-store`)));
  const settings = {
    ...scratchSettings(),
    fsync: 'off',
    wal_level: 'replica',
    max_wal_senders: '4',
    track_commit_timestamp: 'on',
    archive_mode: 'on',
    archive_command: 'false',
    listen_addresses: '',
    unix_socket_directories: directory,
    port: '5432',
    ...options.settings,
  };
  const given = { directory, dataDirectory: path.join(directory, 'data'), programs, user, store };
  await initCluster({ ...given, superuser: 'postgres', settings, throwaway: true }, testContext());
  return adopt(given, {});
}

/** Starts a server whose data directory is there, with settings for this start. */
export async function adopt(
  given: Given,
  settings: Readonly<Record<string, string>>,
  port = 5432,
): Promise<SourceCluster> {
  const { directory, dataDirectory, store, user, programs } = given;
  const logFile = path.join(directory, `${path.basename(dataDirectory)}.log`);
  const start = () => startServer({ ...given, logFile, settings }, testContext());
  await start();
  const connection: ConnectionSettings = Object.freeze({
    host: directory,
    port,
    database: 'postgres',
    user: 'postgres',
    tls: { mode: 'disable' as const },
    connectTimeoutMs: 10_000,
    source: 'a test cluster',
  });
  const { systemIdentifier, segmentSizeBytes } = await identify(connection);
  const { archiveCommand } = await writeArchiveProgram(
    `${store.location.startsWith('/') ? store.location : directory}-archive`,
    { store: store.settings!, systemIdentifier, segmentSizeBytes, major: programs.postgres.major },
    user,
  );
  await until(() => sql(connection, async (client) => !(await inRecovery(client))));
  await sql(connection, async (client) => {
    await client.query(`alter system set archive_command = '${archiveCommand.replaceAll("'", "''")}'`);
    await client.query('select pg_reload_conf()');
  });
  const cluster: SourceCluster = {
    ...given,
    connection,
    systemIdentifier,
    start,
    stop: (mode) => stopServer({ ...given, mode: mode ?? 'fast' }),
    archive: () => archiveSegment(connection),
  };
  running.push(cluster);
  return cluster;
}

export async function directoryStore(location: string): Promise<Store> {
  const user = await serverUser(testEnvironment());
  await mkdir(location, { recursive: true, mode: 0o700 });
  if (user) await chown(location, user.uid, user.gid);
  return openDirectoryStore({ path: location, uid: process.geteuid?.() });
}

async function archiveSegment(connection: ConnectionSettings): Promise<string> {
  return sql(connection, async (client) => {
    // Something, so that there is a segment to end.
    await client.query('select pg_logical_emit_message(false, $1, $2)', ['test', 'end of segment']);
    const { rows } = await client.query<{ name: string }>('select pg_walfile_name(pg_switch_wal()) as name');
    const { name } = rows[0]!;
    await until(async () => {
      const { rows: last } = await client.query('select 1 from pg_stat_archiver where last_archived_wal >= $1', [name]);
      return last.length > 0;
    });
    return name;
  });
}

async function inRecovery(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ yes: boolean }>('select pg_is_in_recovery() as yes');
  return rows[0]!.yes;
}

async function identify(connection: ConnectionSettings) {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ systemIdentifier: string; segmentSizeBytes: number }>(
      `select system_identifier::text as "systemIdentifier",
              (select setting::int from pg_settings where name = 'wal_segment_size') as "segmentSizeBytes"
         from pg_control_system()`,
    );
    return rows[0]!;
  });
}

/** Polls until it is true. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 180_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(20)) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error('The condition did not come true in time.');
  }
}

/** A base or incremental backup of the source into its store; returns its label. */
export async function takeBackup(
  source: SourceCluster,
  kind: 'base' | 'incremental' = 'base',
  places: SearchPlaces = testPlaces(),
): Promise<string> {
  const options = {
    connection: source.connection,
    store: source.store,
    places,
    policy: configSchema.parse({ backup: { compression: { level: 1 } } }).backup,
    actor: { host: 'alpha', user: 'ada', command: 'backup run' },
    purpose: 'run',
    kind,
  };
  return (await runBackup(options, testContext())).label;
}

/** One committed row of the marker table, as the client was told. */
export interface Marker {
  readonly id: number;
  readonly note: string;
  readonly hash: string;
}

/** A marker and where it stands in the WAL. */
export interface PlacedMarker extends Marker {
  readonly xid: string;
  /** By track_commit_timestamp, to the microsecond, with its offset: `2026-11-25 02:03:04.123456+00`. */
  readonly committedAt: string;
  /** Behind its commit. */
  readonly lsn: string;
}

/** Writes rows in transactions of their own; returns those that were acknowledged. */
export async function writeMarkers(connection: ConnectionSettings, notes: readonly string[]): Promise<PlacedMarker[]> {
  return sql(connection, async (client) => {
    await client.query(
      `create table if not exists markers
         (id int generated always as identity primary key, note text, hash text, xid xid8 default pg_current_xact_id())`,
    );
    const markers: PlacedMarker[] = [];
    for (const note of notes) {
      const hash = createHash('sha256').update(note).digest('hex');
      const { rows } = await client.query<{ id: number; xid: string }>(
        'insert into markers (note, hash) values ($1, $2) returning id, xid::text',
        [note, hash],
      );
      const { id, xid } = rows[0]!;
      const { rows: places } = await client.query<{ committedAt: string; lsn: string }>(
        `select pg_xact_commit_timestamp($1::text::xid)::text as "committedAt", pg_current_wal_lsn()::text as lsn`,
        [xid],
      );
      markers.push({ id, note, hash, xid, ...places[0]! });
      // Another microsecond for each commit.
      await sleep(2);
    }
    return markers;
  });
}

/** The marker table, row by row. */
export async function readMarkers(connection: ConnectionSettings): Promise<Marker[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<Marker>('select id, note, hash from markers order by id');
    return rows;
  });
}

/** What `readMarkers` gives where exactly these are there. */
export function rowsOf(markers: readonly Marker[]): Marker[] {
  return markers.map(({ id, note, hash }) => ({ id, note, hash }));
}
