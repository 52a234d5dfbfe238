import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import {
  findServerPrograms,
  initCluster,
  type ServerPrograms,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import { findProgram } from '../../src/programs/find.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { writeManifest } from '../../src/repository/backups.ts';
import { formatLabel } from '../../src/repository/label.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { writePart } from '../../src/repository/parts.ts';
import { ensureRepository } from '../../src/repository/repository.ts';
import type { Store } from '../../src/storage/store.ts';
import { pushWalFile } from '../../src/wal/index.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';

const run = promisify(execFile);

/** A cluster of its own whose WAL a test puts into a store when it says so. */
export interface SourceCluster {
  readonly connection: ConnectionSettings;
  readonly dataDirectory: string;
  readonly directory: string;
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  readonly systemIdentifier: string;
  /** Ends the current segment and archives everything that is complete. */
  archive(store: Store): Promise<string[]>;
  start(): Promise<void>;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

const running: SourceCluster[] = [];
afterAll(async () => {
  for (const cluster of running) {
    await cluster.stop('immediate').catch(() => {});
    await rm(cluster.directory, { recursive: true, force: true });
  }
});

export interface SourceOptions {
  readonly major?: number;
  readonly directories?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a source below `scratch`. */
export async function sourceCluster(scratch: string, options: SourceOptions = {}): Promise<SourceCluster> {
  const user = await serverUser(testEnvironment());
  const wish = options.major === undefined ? {} : { major: options.major };
  const programs = await findServerPrograms(testPlaces(options.directories), wish);
  const directory = path.join(scratch, `source-${running.length}-${process.pid}`);
  const outbox = path.join(directory, 'outbox');
  for (const own of [directory, outbox]) {
    await mkdir(own, { mode: 0o700 });
    if (user) await chown(own, user.uid, user.gid);
  }
  const settings = {
    ...scratchSettings(),
    fsync: 'off',
    wal_level: 'replica',
    max_wal_senders: '4',
    archive_mode: 'on',
    archive_command: `test ! -f ${outbox}/%f && cp %p ${outbox}/%f`,
    listen_addresses: '',
    unix_socket_directories: directory,
    port: '5432',
    ...options.settings,
  };
  return adopt({ directory, dataDirectory: path.join(directory, 'data'), programs, user, settings, fresh: true });
}

/** A server in that folder: initialised, or one that was restored there (and may archive into the folder's outbox). */
export async function adopt(given: {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly fresh: boolean;
}): Promise<SourceCluster> {
  const { directory, dataDirectory, programs, user, settings, fresh } = given;
  const outbox = path.join(directory, 'outbox');
  const server = { programs, dataDirectory, user };
  const context = testContext();
  const logFile = path.join(directory, `${path.basename(dataDirectory)}.log`);
  if (fresh) await initCluster({ ...server, superuser: 'postgres', settings, throwaway: true }, context);
  const connection: ConnectionSettings = Object.freeze({
    host: directory,
    port: Number(settings.port),
    database: 'postgres',
    user: 'postgres',
    tls: { mode: 'disable' as const },
    connectTimeoutMs: 10_000,
    source: 'a test cluster',
  });
  const start = () => startServer({ ...server, logFile, ...(fresh ? {} : { settings }) }, context);
  await start();
  const { systemIdentifier, segmentSizeBytes } = await identify(connection);
  const cluster: SourceCluster = {
    connection,
    dataDirectory,
    directory,
    programs,
    user,
    systemIdentifier,
    start,
    stop: (mode) => stopServer({ ...server, mode: mode ?? 'fast' }),
    async archive(store) {
      const segment = await sql(connection, async (client) => {
        const { rows } = await client.query<{ name: string }>('select pg_walfile_name(pg_switch_wal()) as name');
        return rows[0]!.name;
      });
      await until(async () => (await readdir(outbox)).includes(segment) || nothingToSwitch(connection, segment));
      const names = (await readdir(outbox)).sort();
      for (const name of names) {
        await pushWalFile({
          file: path.join(outbox, name),
          store,
          settings: {
            format: 1,
            store: { type: 'directory', path: store.location, groupAccess: false },
            systemIdentifier,
            segmentSizeBytes,
            major: programs.postgres.major,
            timeoutMs: 60_000,
            trimLimitBytes: null,
          } as never,
        });
      }
      return names;
    },
  };
  running.push(cluster);
  return cluster;
}

/** pg_switch_wal does nothing at the very beginning of a segment. */
async function nothingToSwitch(connection: ConnectionSettings, segment: string): Promise<boolean> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select last_archived_wal as name from pg_stat_archiver where last_archived_wal >= $1',
      [segment],
    );
    return rows.length > 0;
  });
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
export async function until(condition: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(20)) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error('The condition did not come true in time.');
  }
}

/** A base backup with pg_basebackup, as `backup run --kind base` leaves it. */
export async function takeBase(source: SourceCluster, store: Store): Promise<string> {
  const { connection, programs, systemIdentifier } = source;
  const temporary = path.join(source.directory, `base-${Date.now()}`);
  const pgBasebackup = await findProgram('pg_basebackup', testPlaces(), { major: programs.postgres.major });
  const before = await stateOf(connection);
  await run(pgBasebackup.path, [
    ...['--host', connection.host, '--port', String(connection.port), '--username', connection.user],
    ...['--pgdata', temporary, '--format=tar', '--compress=client-zstd:level=1', '--wal-method=fetch'],
    ...['--manifest-checksums=SHA256', '--checkpoint=fast', '--no-sync'],
  ]);
  const after = await stateOf(connection);
  const label = formatLabel({ at: new Date(), kind: 'base' });
  const repository = await ensureRepository(store, {
    systemIdentifier,
    postgresMajor: programs.postgres.major,
    walSegmentBytes: before.segmentSizeBytes,
  });
  const parts = [];
  for (const name of (await readdir(temporary)).sort()) {
    const content = await readFile(path.join(temporary, name));
    parts.push(
      await writePart(
        repository,
        label,
        name,
        (async function* () {
          yield content;
        })(),
      ),
    );
  }
  const listed = await readFile(path.join(temporary, 'backup_manifest'), 'utf8');
  const range = (
    JSON.parse(listed) as { 'WAL-Ranges': { Timeline: number; 'Start-LSN': string; 'End-LSN': string }[] }
  )['WAL-Ranges'][0]!;
  await rm(temporary, { recursive: true });
  const manifest: ClusterManifest = {
    format: 1,
    kind: 'base',
    parent: null,
    label,
    tiers: [],
    purpose: 'run',
    keepLast: null,
    systemIdentifier,
    startedAt: before.now.toISOString(),
    stoppedAt: after.now.toISOString(),
    durationMs: 1,
    startLsn: range['Start-LSN'],
    stopLsn: range['End-LSN'],
    timeline: range.Timeline,
    parts,
    actor: { host: 'test', user: 'test', command: 'test' },
    source: `postgres://${connection.user}@${connection.host}:${connection.port}/postgres`,
    store: store.location,
    server: {
      version: programs.postgres.version,
      major: programs.postgres.major,
      dataChecksums: true,
      tablespaces: before.tablespaces.map(({ name }) => name),
    },
    tools: { structdb: '0', pgBasebackup: programs.postgres.version },
    walSegmentBytes: before.segmentSizeBytes,
    walIncluded: true,
    walSegments: { first: '', last: '' },
    fromStandby: false,
    plainBytes: before.bytes,
    tablespaces: before.tablespaces,
    configFiles: [],
    databases: [],
    requiredSettings: { max_connections: '50' },
    preloadLibraries: [],
  };
  await writeManifest(repository, manifest);
  return label;
}

async function stateOf(connection: ConnectionSettings) {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{
      now: Date;
      segmentSizeBytes: number;
      bytes: number;
      tablespaces: { oid: string; name: string; location: string }[];
    }>(
      `select clock_timestamp() as now,
              (select setting::int from pg_settings where name = 'wal_segment_size') as "segmentSizeBytes",
              (select sum(pg_database_size(oid))::int from pg_database) as bytes,
              (select coalesce(json_agg(json_build_object('oid', oid::text, 'name', spcname, 'location', pg_tablespace_location(oid))), '[]')
                 from pg_tablespace where spcname !~ '^pg_') as tablespaces`,
    );
    return rows[0]!;
  });
}

/** One committed row of the marker table, as the client was told. */
export interface Marker {
  readonly id: number;
  readonly note: string;
  readonly hash: string;
}

/** Writes rows in transactions of their own; returns those that were acknowledged. */
export async function writeMarkers(connection: ConnectionSettings, notes: readonly string[]): Promise<Marker[]> {
  return sql(connection, async (client) => {
    await client.query(
      'create table if not exists markers (id int generated always as identity primary key, note text, hash text, xid xid8 default pg_current_xact_id())',
    );
    const markers: Marker[] = [];
    for (const note of notes) {
      const hash = createHash('sha256').update(note).digest('hex');
      const { rows } = await client.query<{ id: number }>(
        'insert into markers (note, hash) values ($1, $2) returning id',
        [note, hash],
      );
      markers.push({ id: rows[0]!.id, note, hash });
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
