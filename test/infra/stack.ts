import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { serverConf } from '../../scripts/infra/server.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import {
  findServerPrograms,
  freePort,
  initCluster,
  type StartOptions,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { program, projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { programs as chosenPrograms, testEnvironment, testPlaces } from '../support/environment.ts';
import type { S3Gateway } from '../support/s3-gateway.ts';

export const infra = path.join(projectRoot, 'infra');

export interface ComposeService {
  readonly image: string;
  readonly command?: string | readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly [key: string]: unknown;
}

/** infra/compose.yaml, aliases resolved. */
export async function composeServices(): Promise<Readonly<Record<string, ComposeService>>> {
  const text = await readFile(path.join(infra, 'compose.yaml'), 'utf8');
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

/** What the containers of infra/compose.yaml do, as processes of this machine: their scripts, settings and command lines. */
export class Stack {
  readonly directory: string;
  /** The folder of the configuration, /srv/structdb in the containers. */
  readonly project: string;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #processes: ChildProcess[] = [];
  readonly #server: Omit<StartOptions, 'settings'>;
  readonly port: number;

  private constructor(
    directory: string,
    port: number,
    server: Omit<StartOptions, 'settings'>,
    variables: Readonly<Record<string, string>>,
  ) {
    this.directory = directory;
    this.project = path.join(directory, 'project');
    this.port = port;
    this.#server = server;
    this.#variables = variables;
  }

  /** A cluster as the official image makes one, before its entry point calls init.sh. */
  static async create(directory: string, gateway: S3Gateway): Promise<Stack> {
    const programs = await findServerPrograms(testPlaces());
    const user = await serverUser(testEnvironment());
    const port = await freePort();
    const dataDirectory = path.join(directory, 'volume', 'pgdata');
    await mkdir(dataDirectory, { recursive: true });
    const socket = path.join(directory, 'socket');
    await mkdir(socket);
    if (user)
      for (const own of [path.dirname(dataDirectory), dataDirectory, socket]) await chown(own, user.uid, user.gid);
    const settings = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: socket };
    await initCluster(
      { programs, dataDirectory, user, superuser: 'postgres', password: 'of-the-superuser', settings, throwaway: true },
      testContext(),
    );
    const major = programs.postgres.major;
    const stack = new Stack(
      directory,
      port,
      { programs, dataDirectory, user, logFile: path.join(directory, 'volume', 'server.log') },
      {
        PATH: [path.join(directory, 'bin'), path.dirname(programs.postgres.path), process.env.PATH].join(':'),
        HOME: process.env.HOME ?? '/',
        ...chosenPrograms,
        S3_ENDPOINT: gateway.endpoint,
        S3_ACCESS_KEY: gateway.accessKeyId,
        S3_SECRET_KEY: gateway.secretAccessKey,
        STRUCTDB_PASSWORD: `of'the"role`,
        STRUCTDB_CONFIG: path.join(directory, 'project', 'structdb.config.ts'),
        STRUCTDB_SERVER_CONF: path.join(directory, 'structdb.conf'),
      },
    );
    await mkdir(path.join(directory, 'bin'), { recursive: true });
    await writeFile(
      path.join(directory, 'bin', 'structdb'),
      `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`,
    );
    await chmod(path.join(directory, 'bin', 'structdb'), 0o755);
    await writeFile(
      path.join(directory, 'structdb.conf'),
      `${serverConf(major, path.join(directory, 'volume', 'structdb'))}fsync = off\n`,
    );
    await mkdir(stack.project);
    await copyFile(path.join(infra, 'structdb', 'structdb.config.ts'), path.join(stack.project, 'structdb.config.ts'));
    return stack;
  }

  /** The role that the containers connect as. */
  get connection(): ConnectionSettings {
    return Object.freeze({
      host: '127.0.0.1',
      port: this.port,
      database: 'structdb',
      user: 'structdb',
      password: this.#variables.STRUCTDB_PASSWORD!,
      tls: { mode: 'disable' as const },
      connectTimeoutMs: 10_000,
      source: 'the stack',
    });
  }

  async start(): Promise<void> {
    await startServer(this.#server, testContext());
  }

  async stopServer(): Promise<void> {
    await stopServer(this.#server);
  }

  /** A script of infra/postgres, in the environment of the image's entry point. */
  script(name: string): Promise<{ stdout: string; stderr: string }> {
    return promisify(execFile)(path.join(infra, 'postgres', name), [], {
      env: {
        ...this.#variables,
        PGDATA: this.#server.dataDirectory,
        PGHOST: '127.0.0.1',
        PGPORT: String(this.port),
        PGPASSWORD: 'of-the-superuser',
      },
    });
  }

  /** A command line of a container of structdb, to its end. */
  async run(file: string, args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd: this.project, env: this.#ofStructdb });
    return stdout + stderr;
  }

  /** Where the server's socket is: /var/run/postgresql in the containers. */
  get socket(): string {
    return path.join(this.directory, 'socket');
  }

  /** A process that stays; `ready` finds in what it prints what is handed back. */
  async serve(
    file: string,
    args: readonly string[],
    ready: RegExp,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const env = { ...this.#ofStructdb, ...variables };
    const child = spawn(file, args, { cwd: this.project, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#processes.push(child);
    return new Promise((resolve, reject) => {
      let text = '';
      const look = (chunk: Buffer) => {
        text += chunk.toString();
        const found = ready.exec(text);
        if (found) resolve(found[1] ?? found[0]);
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.on('close', (code) => reject(new Error(`${file} ended with ${code}: ${text}`)));
    });
  }

  async close(): Promise<void> {
    for (const child of this.#processes) {
      const ended = new Promise((resolve) => child.on('close', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await ended;
    }
    await stopServer({ ...this.#server, mode: 'immediate' });
  }

  get #ofStructdb(): Record<string, string> {
    return {
      ...this.#variables,
      PGHOST: '127.0.0.1',
      PGPORT: String(this.port),
      PGDATABASE: 'structdb',
      PGUSER: 'structdb',
      PGPASSWORD: this.#variables.STRUCTDB_PASSWORD!,
      PGSSLMODE: 'disable',
    };
  }
}

/** infra/prometheus/prometheus.yml for that exporter, at the pace of a test. Returns its file. */
export async function prometheusConfig(directory: string, exporter: string): Promise<string> {
  const config = parse(await readFile(path.join(infra, 'prometheus', 'prometheus.yml'), 'utf8')) as {
    global: Record<string, string>;
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  config.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  config.rule_files = config.rule_files.map((file) => path.join(infra, 'prometheus', file));
  config.scrape_configs = config.scrape_configs.filter(({ job_name }) => job_name === 'structdb');
  config.scrape_configs[0]!.static_configs[0]!.targets = [exporter];
  const file = path.join(directory, 'prometheus.yml');
  await writeFile(file, stringify(config));
  return file;
}
