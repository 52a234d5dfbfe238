import { lstat, open, rename, rm } from 'node:fs/promises';
import { describeConnection } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { startServer } from '../postgres/cluster.ts';
import { quoteIdentifier, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { readPrivateServer } from './address.ts';
import { type ArchiveWish, prepareArchive, refreshArchive } from './archive.ts';
import { readMajor, requireOwner } from './cluster-files.ts';
import { ensureHome, locateHome, type ServerHome } from './home.ts';
import { initialise } from './initialise.ts';
import { withServerLock } from './lock.ts';
import { choosePort, requirePort } from './port.ts';
import { clearCrash, readPostmaster } from './postmaster.ts';
import { type ChosenPrograms, chooseServerPrograms, programsOf } from './programs.ts';
import { SERVER_DATABASE, SERVER_ROLE, type ServerRecord, writeRecord } from './record.ts';
import { writeSettings } from './settings-file.ts';
import { makeSocketDirectory, removeSocketDirectory } from './sockets.ts';

export interface StartOptions extends ArchiveWish {
  readonly projectRoot: string;
  readonly places: SearchPlaces;
}

export interface StartResult {
  /** `created`: initialised now; `recovered`: its server had been killed; `running`: it ran already. */
  readonly state: 'created' | 'started' | 'recovered' | 'running';
  /** Without the password. */
  readonly url: string;
  readonly port: number;
  readonly socketDirectory: string;
  readonly version: string;
  /** npm's embedded server: it has no client tools, so backups need an installed PostgreSQL. */
  readonly embedded: boolean;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly storeDirectory: string;
  readonly passwordFile: string;
}

/** PostgreSQL's default (initdb --wal-segsize), in bytes. */
const SEGMENT_SIZE_BYTES = 16 * 1024 * 1024;
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Starts the private server of a checkout, and makes it first when there is none. A server that was killed is
 * recognised and started again; one that runs is left alone. Two at once: the second waits and finds it running.
 * @throws PROGRAM_MISSING, PORT_TAKEN, DATA_DIRECTORY_OWNER, PRIVATE_SERVER_COPIED, SERVER_START_FAILED, LOCKED
 */
export async function startPrivateServer(options: StartOptions, context: RunContext): Promise<StartResult> {
  const { environment } = options.places;
  const first = await locateHome(options.projectRoot, environment);
  await ensureHome(first, environment);
  return withServerLock(first.directory, 'dev start', context, async () => {
    const home = await locateHome(options.projectRoot, environment);
    const state = await startLocked(home, options, context);
    const record = (await locateHome(options.projectRoot, environment)).record!;
    return describeStart(home, record, state);
  });
}

function describeStart(home: ServerHome, record: ServerRecord, state: StartResult['state']): StartResult {
  return Object.freeze({
    state,
    url: describeConnection({
      host: '127.0.0.1',
      port: record.port,
      database: SERVER_DATABASE,
      user: SERVER_ROLE,
      tls: { mode: 'disable' },
      connectTimeoutMs: 0,
      source: '',
    }),
    port: record.port,
    socketDirectory: record.socketDirectory,
    version: record.version,
    embedded: record.embedded,
    directory: home.directory,
    dataDirectory: home.dataDirectory,
    storeDirectory: home.storeDirectory,
    passwordFile: home.passwordFile,
  });
}

async function startLocked(
  home: ServerHome,
  options: StartOptions,
  context: RunContext,
): Promise<StartResult['state']> {
  const postmaster = await readPostmaster(home.dataDirectory);
  if (postmaster?.ours && home.record?.systemIdentifier) {
    await refreshArchive(home, identityOf(home.record.systemIdentifier, home.record.version), options);
    return 'running';
  }
  const former = await recoverable(home, postmaster?.ours === true);
  if (postmaster && former) await clearCrash(home.dataDirectory, postmaster, context);
  if (options.dev.port !== undefined) await requirePort(options.dev.port);
  const chosen = await chooseServerPrograms(options.places, home, former?.major);
  const record = former?.record ?? (await initialise(home, chosen, context));
  await run(home, { ...record, ...programsOf(chosen) }, chosen, options, context);
  if (!former) return 'created';
  return postmaster ? 'recovered' : 'started';
}

/** The finished cluster of this home; what an interrupted initialisation left is removed. */
async function recoverable(
  home: ServerHome,
  runs: boolean,
): Promise<{ readonly record: ServerRecord; readonly major: number } | undefined> {
  const major = await readMajor(home.dataDirectory);
  if (major !== undefined) await requireOwner(home.dataDirectory, home.serverUid);
  if (major !== undefined && home.record?.systemIdentifier) return { record: home.record, major };
  if (home.record?.systemIdentifier) {
    throw new StructdbError('SERVER_START_FAILED', `${home.dataDirectory} is not there or holds no cluster.`, {
      hint: 'Start afresh: structdb dev reset --yes   (backups are kept)',
    });
  }
  if (runs || (major !== undefined && home.record === undefined)) {
    throw new StructdbError(
      'SERVER_START_FAILED',
      `${home.dataDirectory} holds a cluster of which there is no record.`,
      {
        hint: 'Move it away, or remove it: structdb dev reset --yes   (backups are kept)',
      },
    );
  }
  await rm(home.dataDirectory, { recursive: true, force: true });
  return undefined;
}

/** Starts the initialised cluster, on another port when its own was taken meanwhile, and records where it is. */
async function run(
  home: ServerHome,
  record: ServerRecord,
  chosen: ChosenPrograms,
  options: StartOptions,
  context: RunContext,
): Promise<void> {
  const { dev } = options;
  const identity = identityOf(record.systemIdentifier!, record.version);
  const archiveCommand = await prepareArchive(home, identity, options);
  await prepareLog(home);
  await removeSocketDirectory(record.socketDirectory, home.serverUid);
  const { version } = chosen.programs.postgres;
  await asStep(context, 'dev.start', `Starting PostgreSQL ${version}`, async () => {
    for (let attempt = 0, former = record.port || undefined; ; attempt += 1) {
      const port = dev.port === undefined ? await choosePort(home.checkout, former) : await requirePort(dev.port);
      const socketDirectory = await makeSocketDirectory(home.user);
      try {
        await writeSettings(home, { major: identity.major, port, socketDirectory, archiveCommand });
        // Before the start: a kill -9 right after it leaves a server that its record leads to.
        const started = { ...record, checkout: home.checkout, port, socketDirectory };
        await writeRecord(home.directory, started);
        await startServer(
          {
            programs: chosen.programs,
            dataDirectory: home.dataDirectory,
            user: home.user,
            logFile: home.logFile,
          },
          context,
        );
        if (record.port !== 0 && port !== record.port) {
          context.report({ kind: 'notice', message: `Port ${record.port} is taken by another program: ${port} now.` });
        }
        break;
      } catch (error) {
        await removeSocketDirectory(socketDirectory, home.serverUid);
        const taken = error instanceof StructdbError && error.code === 'PORT_TAKEN' && dev.port === undefined;
        if (!taken || attempt >= 5) throw error;
        former = port + 1;
      }
    }
    await createOwnDatabase(options.projectRoot, context);
  });
}

async function createOwnDatabase(projectRoot: string, context: RunContext): Promise<void> {
  const connection = (await readPrivateServer(projectRoot))!;
  await withClient({ ...connection, database: 'postgres' }, profiles.probe, context, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [SERVER_DATABASE]);
    if (rowCount !== 0) return;
    // By default a role's own schema comes first, and structdb's schema is named like its role.
    await client.query(`alter role ${quoteIdentifier(connection.user)} set search_path to public`);
    await client.query(`create database ${SERVER_DATABASE}`);
  });
}

function identityOf(systemIdentifier: string, version: string) {
  return { systemIdentifier, segmentSizeBytes: SEGMENT_SIZE_BYTES, major: Number.parseInt(version, 10) };
}

/** The log belongs to the server's user, in a directory that is not his. A large one makes way for a new one. */
async function prepareLog(home: ServerHome): Promise<void> {
  const found = await lstat(home.logFile).catch(() => undefined);
  if (found && found.size > LOG_LIMIT_BYTES) await rename(home.logFile, `${home.logFile}.old`);
  try {
    const handle = await open(home.logFile, 'wx', 0o600);
    try {
      if (home.user) await handle.chown(home.user.uid, home.user.gid);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
