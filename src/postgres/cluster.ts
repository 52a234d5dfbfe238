import { chown, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { baseProgramEnvironment, withSecretFile } from '../programs/credentials.ts';
import { findAll, findProgram, onlyIn, type Program, type SearchPlaces } from '../programs/find.ts';
import { temporaryRoot } from '../programs/own-directory.ts';
import { runProgram, type SystemUser } from '../programs/run.ts';
import { reaches, serverUser } from '../programs/system-user.ts';
import { renderSettings, scratchSettings } from './settings.ts';
import { makeSocketDirectory, removeWithSockets } from './socket-directory.ts';

/** The server programs of one PostgreSQL, all from the same folder. */
export interface ServerPrograms {
  readonly initdb: Program;
  readonly pgCtl: Program;
  readonly postgres: Program;
}

/** Finds initdb, pg_ctl and postgres of one major: exactly `major`, or the newest. @throws PROGRAM_MISSING, PROGRAM_TOO_OLD */
export async function findServerPrograms(
  places: SearchPlaces,
  wish: { readonly major?: number } = {},
): Promise<ServerPrograms> {
  // Asked for their versions together, before it is known where the siblings must be: each takes ten milliseconds or more.
  const [initdb] = await Promise.all([
    findProgram('initdb', places, wish),
    ...['pg_ctl', 'postgres'].map((name) => findAll(name, places)),
  ]);
  // Its siblings: mixing the folders of two installations gives "program was found but not the same version".
  const beside = onlyIn(places, path.dirname(initdb.path));
  const [pgCtl, postgres] = await Promise.all(
    ['pg_ctl', 'postgres'].map((name) => findProgram(name, beside, { major: initdb.major })),
  );
  return Object.freeze({ initdb, pgCtl: pgCtl!, postgres: postgres! });
}

export interface InitOptions {
  readonly programs: ServerPrograms;
  /** Must not exist or be empty; made 0700 for `user`. */
  readonly dataDirectory: string;
  readonly user: SystemUser | undefined;
  /** Name of the superuser. */
  readonly superuser: string;
  /** Its password (SCRAM); without one the cluster trusts its socket, whose directory must be private. */
  readonly password?: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Leaves out fsync at initdb: only for servers whose loss does not matter. */
  readonly throwaway?: boolean;
}

/** Initialises a cluster with data checksums, UTF-8 and the C.UTF-8-like builtin order of the platform. @throws TARGET_UNSUITABLE */
export async function initCluster(options: InitOptions, context: RunContext): Promise<void> {
  const { programs, dataDirectory, user } = options;
  refuseShellCharacters(dataDirectory);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  if (user) await chown(dataDirectory, user.uid, user.gid);
  const run = (authentication: readonly string[]) =>
    runProgram(
      programs.initdb,
      [
        '--pgdata',
        dataDirectory,
        '--username',
        options.superuser,
        '--encoding',
        'UTF8',
        '--locale',
        'C.UTF-8',
        '--data-checksums',
        ...authentication,
        ...(options.throwaway ? ['--no-sync'] : []),
      ],
      { env: baseProgramEnvironment, user, signal: context.signal, doing: `Initialising the cluster ${dataDirectory}` },
    );
  if (options.password === undefined) await run(['--auth', 'trust']);
  else {
    await withSecretFile(`${options.password}\n`, user, (file) => run(['--pwfile', file, '--auth', 'scram-sha-256']));
  }
  const conf = path.join(dataDirectory, 'postgresql.conf');
  await writeFile(conf, `${await readFile(conf, 'utf8')}\n# Added by structdb\n${renderSettings(options.settings)}`);
}

export interface StartOptions {
  readonly programs: ServerPrograms;
  readonly dataDirectory: string;
  readonly user: SystemUser | undefined;
  readonly logFile: string;
  readonly timeoutMs?: number;
  /** Settings that win over every configuration file, for this start only. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts the server and waits until it accepts connections. @throws SERVER_START_FAILED with the log's telling line, TARGET_UNSUITABLE */
export async function startServer(options: StartOptions, context: RunContext): Promise<void> {
  const seconds = Math.ceil((options.timeoutMs ?? 60_000) / 1000);
  for (const file of [options.dataDirectory, options.logFile]) refuseShellCharacters(file);
  try {
    await runProgram(
      options.programs.pgCtl,
      [
        'start',
        '--wait',
        '--silent',
        '--timeout',
        String(seconds),
        '--pgdata',
        options.dataDirectory,
        '--log',
        options.logFile,
        ...serverOptions(options.settings),
      ],
      { env: baseProgramEnvironment, user: options.user, signal: context.signal, doing: 'Starting the server' },
    );
  } catch (cause) {
    if (cause instanceof StructdbError && cause.code === 'INTERRUPTED') {
      await stopServer({ ...options, mode: 'immediate' }).catch(() => {});
      throw cause;
    }
    throw await startFailure(options, cause);
  }
}

/** pg_ctl puts its paths between double quotes and hands them to a shell, which would replace these, or run them. */
function refuseShellCharacters(file: string): void {
  const [character] = /["$`\\]/.exec(file) ?? [];
  if (character === undefined) return;
  throw new StructdbError(
    'TARGET_UNSUITABLE',
    `pg_ctl cannot start a server in ${file}: its path holds a ${character}.`,
    {
      hint: 'Use a folder whose path holds none of: " $ ` \\',
    },
  );
}

/** For pg_ctl, which hands them to a shell. */
function serverOptions(settings: StartOptions['settings'] = {}): string[] {
  const words = Object.entries(settings).map(([name, value]) => `-c '${`${name}=${value}`.replaceAll("'", `'\\''`)}'`);
  return words.length === 0 ? [] : ['--options', words.join(' ')];
}

/** Stops the server and waits; nothing happens when it does not run. `fast` ends sessions, `immediate` skips the checkpoint. */
export async function stopServer(
  options: Pick<StartOptions, 'programs' | 'dataDirectory' | 'user'> & { readonly mode?: 'fast' | 'immediate' },
): Promise<void> {
  const running = await runProgram(options.programs.pgCtl, ['status', '--pgdata', options.dataDirectory], {
    env: baseProgramEnvironment,
    user: options.user,
    accept: [3, 4],
    doing: "Asking for the server's status",
  });
  if (running.exitCode !== 0) return;
  await runProgram(
    options.programs.pgCtl,
    [
      'stop',
      '--wait',
      '--silent',
      '--mode',
      options.mode ?? 'fast',
      '--timeout',
      '120',
      '--pgdata',
      options.dataDirectory,
    ],
    { env: baseProgramEnvironment, user: options.user, accept: [1], doing: 'Stopping the server' },
  );
}

export interface ScratchOptions {
  readonly programs: ServerPrograms;
  readonly environment: SearchPlaces['environment'];
  /** Folder for the scratch server's files; its disk must hold the data. that of temporary files by default. */
  readonly parent?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface ScratchCluster {
  readonly connection: ConnectionSettings;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly user: SystemUser | undefined;
}

/**
 * A server for one piece of work, reachable only through a socket in a private folder: no TCP, no archiving, no fsync.
 * It is stopped and removed by the same bracket, also on error and when interrupted.
 */
export async function withScratchCluster<T>(
  options: ScratchOptions,
  context: RunContext,
  work: (cluster: ScratchCluster) => Promise<T>,
): Promise<T> {
  const user = await serverUser(options.environment);
  const parent = options.parent ?? temporaryRoot();
  // A server that cannot enter its own directory would be told by initdb, in words that name no way out.
  if (user && !(await reaches(user, parent))) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `The server would run as "${user.name}", who cannot enter ${parent}.`,
      {
        hint: 'Name a folder that this user reaches: STRUCTDB_SCRATCH=<folder>',
      },
    );
  }
  const directory = await mkdtemp(path.join(parent, 'structdb-scratch-'));
  const dataDirectory = path.join(directory, 'data');
  const logFile = path.join(directory, 'server.log');
  const server = { programs: options.programs, dataDirectory, user };
  try {
    const socketDirectory = await makeSocketDirectory(directory, user);
    if (user) await chown(directory, user.uid, user.gid);
    const settings = {
      ...scratchSettings(),
      fsync: 'off',
      full_page_writes: 'off',
      ...options.settings,
      listen_addresses: '',
      unix_socket_directories: socketDirectory,
      port: '5432',
    };
    await initCluster({ ...server, superuser: 'structdb_scratch', settings, throwaway: true }, context);
    await startServer({ ...server, logFile }, context);
    const connection: ConnectionSettings = Object.freeze({
      host: socketDirectory,
      port: 5432,
      database: 'postgres',
      user: 'structdb_scratch',
      tls: { mode: 'disable' as const },
      connectTimeoutMs: 10_000,
      source: 'a scratch server',
    });
    return await work(Object.freeze({ connection, directory, dataDirectory, user }));
  } finally {
    await stopServer({ ...server, mode: 'immediate' }).catch(() => {});
    await removeWithSockets(directory);
  }
}

/** A port of the loopback interface that is free now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function startFailure(options: StartOptions, cause: unknown): Promise<StructdbError> {
  const log = await readFile(options.logFile, 'utf8').catch(() => '');
  const lines = log.trim().split('\n').slice(-20);
  if (lines.some((line) => /could not bind.*Permission denied/.test(line))) {
    return new StructdbError('SERVER_START_FAILED', 'The server did not start: its user may not listen on this port.', {
      cause,
      hint: 'Name a port from 1024 on.',
      details: lines.filter((line) => /could not bind/.test(line)),
    });
  }
  if (lines.some((line) => /could not bind|Address already in use/.test(line))) {
    return new StructdbError('PORT_TAKEN', 'The server did not start: its port is in use by another program.', {
      cause,
      details: lines.slice(-5),
      hint: 'Stop the other program, or name another port.',
    });
  }
  if (lines.some((line) => /has wrong ownership|Permission denied/.test(line))) {
    return new StructdbError(
      'DATA_DIRECTORY_OWNER',
      `The server did not start: ${options.dataDirectory} belongs to another user.`,
      {
        cause,
        details: lines.slice(-5),
        hint: 'Run structdb as the owner of the data directory.',
      },
    );
  }
  const telling = lines.findLast((line) => /FATAL|PANIC|ERROR/.test(line))?.replace(/^.*?(FATAL|PANIC|ERROR):\s*/, '');
  return new StructdbError('SERVER_START_FAILED', `The server did not start${telling ? `: ${telling}` : ''}.`, {
    cause,
    details: lines.slice(-8),
    hint: `See the log: ${options.logFile}`,
  });
}
