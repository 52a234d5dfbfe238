import { createHash } from 'node:crypto';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Environment } from '../config/environment.ts';
import type { RunContext } from '../core/context.ts';
import { toolVersion } from '../core/tool-version.ts';
import { formatBytes } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { programOnPath } from '../programs/on-path.ts';
import { runProgram } from '../programs/run.ts';

/** Where a run was made: what must be equal before two runs can be compared, and what is told beside them. */
export interface BenchEnvironment {
  readonly host: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    /** `linux x64` */
    readonly system: string;
    /** Of the kernel. */
    readonly release: string;
  };
  /** `24.11.0` */
  readonly node: string;
  readonly structdb: string;
  readonly server: {
    readonly version: string;
    /** Whether it ran on the same host. */
    readonly local: boolean;
    /** What decides about plans, memory and writes, as a session of the benchmark has it. */
    readonly settings: Readonly<Record<string, string>>;
    /** Of the settings. */
    readonly settingsHash: string;
  };
  /** Of the project, where it is a checkout of git. */
  readonly commit: { readonly hash: string; readonly changed: boolean } | null;
  /** A hash of each query's statement, by name. */
  readonly statements: Readonly<Record<string, string>>;
}

/** Settings of the server that a latency depends on. */
const SETTINGS = [
  'autovacuum',
  'constraint_exclusion',
  'cpu_index_tuple_cost',
  'cpu_operator_cost',
  'cpu_tuple_cost',
  'cursor_tuple_fraction',
  'data_checksums',
  'default_statistics_target',
  'effective_cache_size',
  'effective_io_concurrency',
  'fsync',
  'full_page_writes',
  'hash_mem_multiplier',
  'huge_pages',
  'io_method',
  'io_workers',
  'jit',
  'jit_above_cost',
  'log_min_duration_statement',
  'log_statement',
  'maintenance_work_mem',
  'max_connections',
  'max_parallel_workers',
  'max_parallel_workers_per_gather',
  'max_worker_processes',
  'min_parallel_table_scan_size',
  'parallel_setup_cost',
  'parallel_tuple_cost',
  'plan_cache_mode',
  'random_page_cost',
  'seq_page_cost',
  'shared_buffers',
  'shared_preload_libraries',
  'synchronous_commit',
  'temp_buffers',
  'track_io_timing',
  'wal_level',
  'work_mem',
] as const;

export interface EnvironmentOptions {
  /** The database of the benchmark, prepared: some settings are those of the database. */
  readonly workspace: ConnectionSettings;
  /** By the names of the queries. */
  readonly statements: ReadonlyMap<string, string>;
  /** The project, for its commit; without it none is told. */
  readonly project?: { readonly root: string; readonly environment: Environment } | undefined;
}

/** Reads where this run is made. */
export async function readEnvironment(options: EnvironmentOptions, context: RunContext): Promise<BenchEnvironment> {
  const { workspace, statements, project } = options;
  const processors = cpus();
  return {
    host: {
      cpu: processors[0]?.model.trim() || 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
      system: `${platform()} ${arch()}`,
      release: release(),
    },
    node: process.versions.node,
    structdb: toolVersion(),
    server: await withClient(workspace, profiles.bench, context, (client) => readServer(client, workspace.host)),
    commit: project === undefined ? null : await readCommit(project, context),
    statements: Object.fromEntries([...statements].map(([name, sql]) => [name, hashOf(sql)])),
  };
}

async function readServer(client: pg.Client, host: string): Promise<BenchEnvironment['server']> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_catalog.pg_settings
     where name = any($1) or starts_with(name, 'enable_') order by name collate "C"`,
    [SETTINGS],
  );
  const settings = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  const found = await client.query<{ version: string; near: boolean }>(
    `select current_setting('server_version') as version,
       coalesce(inet_client_addr() = inet_server_addr(), true) as near`,
  );
  const { version, near } = found.rows[0]!;
  const isLoopback = host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
  return { version, local: near || isLoopback, settings, settingsHash: hashOf(JSON.stringify(settings)) };
}

/** null where there is no git, or no checkout that it trusts. */
async function readCommit(
  { root, environment }: NonNullable<EnvironmentOptions['project']>,
  context: RunContext,
): Promise<BenchEnvironment['commit']> {
  const git = await programOnPath('git', environment);
  if (git === undefined) return null;
  const ask = async (...args: string[]) => {
    const { exitCode, stdout } = await runProgram(git, ['-C', root, ...args], {
      env: { ...baseProgramEnvironment, HOME: environment.home, GIT_OPTIONAL_LOCKS: '0' },
      signal: context.signal,
      accept: [128, 129],
      doing: 'Asking git for the commit',
    });
    return exitCode === 0 ? stdout.trim() : undefined;
  };
  const hash = await ask('rev-parse', '--verify', 'HEAD');
  if (hash === undefined) return null;
  return { hash, changed: (await ask('status', '--porcelain', '--untracked-files=no')) !== '' };
}

/** One thing in which two runs were not made alike. */
export interface Difference {
  /** `host`, `server`: no comparison without `--force`; `program`: told only. */
  readonly kind: 'host' | 'server' | 'program';
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/** A host's memory is reported a little smaller or larger after an update of its kernel. */
const SAME_MEMORY = 0.05;

/** In what two environments differ; `before` is the older. Statements are compared query by query, elsewhere. */
export function differencesOf(before: BenchEnvironment, after: BenchEnvironment): Difference[] {
  const found: Difference[] = [];
  const compare = (kind: Difference['kind'], what: string, a: string, b: string) => {
    if (a !== b) found.push({ kind, what, before: a, after: b });
  };
  compare('host', 'processor', before.host.cpu, after.host.cpu);
  compare('host', 'cores', String(before.host.cores), String(after.host.cores));
  const [a, b] = [before.host.memoryBytes, after.host.memoryBytes];
  if (Math.abs(a - b) > SAME_MEMORY * Math.max(a, b)) compare('host', 'memory', formatBytes(a), formatBytes(b));
  compare('host', 'system', before.host.system, after.host.system);
  compare('server', 'PostgreSQL', before.server.version, after.server.version);
  compare('server', 'place of the server', placeOf(before), placeOf(after));
  // A plain role is not told every setting, and another version has others: those that both know.
  for (const [name, value] of Object.entries(before.server.settings))
    compare('server', `setting ${name}`, value, after.server.settings[name] ?? value);
  compare('program', 'Node', before.node, after.node);
  compare('program', 'structdb', before.structdb, after.structdb);
  compare('program', 'kernel', before.host.release, after.host.release);
  return found;
}

function placeOf({ server }: BenchEnvironment): string {
  return server.local ? 'this host' : 'another host';
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
