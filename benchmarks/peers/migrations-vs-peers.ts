/**
 * The same 200 generated migrations with structdb as npm ships it, kysely-ctl, node-pg-migrate and dbmate: `up` on an
 * empty database, and `status` when nothing is pending. Whole processes, in turns, medians, on a private server.
 *
 *   node benchmarks/peers/migrations-vs-peers.ts [--runs 7] [--count 200]
 *
 * Each is the command line as npm installs it: dbmate is a Node program that starts the binary; the bare binary is told
 * too, without a target.
 * Exit code 4 when a target is missed.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { prepareOwn } from './backups.ts';
import { median, onScratchServer } from './support.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '7' }, count: { type: 'string', default: '200' } },
});
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const modules = path.join(checkout, 'node_modules');
const folder = mkdtempSync('/var/tmp/structdb-migrations-');

interface Runner {
  readonly name: string;
  readonly up: readonly string[];
  /** Absent: node-pg-migrate has none. */
  readonly status?: readonly string[];
}

try {
  writeMigrations(Number(values.count));
  const published = path.join(prepareOwn(path.join(folder, 'own')).folder, 'package/bin/structdb.js');
  await onScratchServer(({ connection }) => measure(runners([process.execPath, published]), connection));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Each makes a table with an identity, an index and one more column; the same statements in each tool's form. */
function writeMigrations(count: number): void {
  for (const kind of ['sql', 'node-pg-migrate', 'ts']) mkdirSync(path.join(folder, kind));
  for (let number = 1; number <= count; number += 1) {
    const name = `${String(number).padStart(4, '0')}_table`;
    const table = `t${number}`;
    const up = [
      `create table ${table} (id bigint generated always as identity primary key, name text not null)`,
      `create index ${table}_name on ${table} (name)`,
      `alter table ${table} add column note text`,
    ];
    const down = `drop table ${table}`;
    const script = up.map((statement) => `${statement};\n`).join('');
    const write = (kind: string, extension: string, text: string) =>
      writeFileSync(path.join(folder, kind, `${name}.${extension}`), text);
    write('sql', 'sql', `-- migrate:up\n${script}\n-- migrate:down\n${down};\n`);
    write('node-pg-migrate', 'sql', `-- Up Migration\n${script}\n-- Down Migration\n${down};\n`);
    const typed = (verb: string, statements: readonly string[]) =>
      `export async function ${verb}(db: Kysely<unknown>): Promise<void> {\n${statements
        .map((statement) => `  await sql\`${statement}\`.execute(db);\n`)
        .join('')}}\n`;
    write('ts', 'ts', `import { type Kysely, sql } from 'kysely';\n\n${typed('up', up)}\n${typed('down', [down])}`);
  }
  symlinkSync(modules, path.join(folder, 'node_modules'));
  writeFileSync(
    path.join(folder, 'kysely.config.ts'),
    `import { defineConfig } from 'kysely-ctl';
import pg from 'pg';
export default defineConfig({
  dialect: 'pg',
  dialectConfig: () => ({ pool: new pg.Pool({ connectionString: process.env.DATABASE_URL }) }),
  migrations: { migrationFolder: 'ts' },
});
`,
  );
}

function runners(cli: readonly string[]): Runner[] {
  const node = process.execPath;
  const bin = (file: string) => [node, path.join(modules, file)];
  const own = (verb: string, kind: string) => [...cli, 'migrate', verb, '--migrations-dir', kind];
  const dbmate = (command: readonly string[]) => ({
    up: [...command, '--migrations-dir', 'sql', '--no-dump-schema', 'up'],
    status: [...command, '--migrations-dir', 'sql', 'status'],
  });
  const ctl = (...verb: string[]) => [...bin('kysely-ctl/dist/bin.mjs'), 'migrate', ...verb, '--no-outdated-check'];
  return [
    { name: 'structdb, SQL', up: own('up', 'sql'), status: own('status', 'sql') },
    { name: 'structdb, TypeScript', up: own('up', 'ts'), status: own('status', 'ts') },
    { name: 'dbmate', ...dbmate(bin('dbmate/dist/cli.js')) },
    {
      name: 'dbmate, bare binary',
      ...dbmate([path.join(modules, `@dbmate/${process.platform}-${process.arch}/bin/dbmate`)]),
    },
    {
      name: 'node-pg-migrate',
      up: [...bin('node-pg-migrate/bin/node-pg-migrate.js'), 'up', '-m', 'node-pg-migrate', '--no-single-transaction'],
    },
    {
      name: 'node-pg-migrate, one transaction for all',
      up: [...bin('node-pg-migrate/bin/node-pg-migrate.js'), 'up', '-m', 'node-pg-migrate'],
    },
    { name: 'kysely-ctl, one transaction for all', up: ctl('latest'), status: ctl('list') },
  ];
}

async function measure(all: readonly Runner[], connection: ConnectionSettings): Promise<void> {
  const { host, port, user, password } = connection;
  const admin = new pg.Client({ host, port, user, password: password ?? '', database: 'postgres' });
  await admin.connect();
  const times = new Map(all.map((runner) => [runner, { up: [] as number[], status: [] as number[] }]));
  const rounds = Number(values.runs);
  for (let round = 0; round <= rounds; round += 1) {
    for (const runner of round % 2 === 0 ? all : all.toReversed()) {
      // One that stays until the end: ext4 without a journal looks past every inode that was freed lately, so that to
      // drop one made the next runner two times slower now and then.
      const name = `structdb_peer_${round}_${all.indexOf(runner)}`;
      await admin.query(`create database ${name}`);
      const url = urlOf(connection, name);
      const sample = times.get(runner)!;
      const upMs = timed(runner.up, url);
      const status = runner.status && timed(runner.status, url);
      const made = await countTables({ ...connection, database: name });
      if (made !== Number(values.count)) throw new Error(`${runner.name} made ${made} tables`);
      // The first round fills caches.
      if (round > 0) sample.up.push(upMs);
      if (round > 0 && status !== undefined) sample.status.push(status);
    }
  }
  await admin.end();
  report(all.map((runner) => ({ name: runner.name, ...times.get(runner)! })));
}

/** A folder of a socket as pg and dbmate both understand it. */
function urlOf({ host, port, user, password }: ConnectionSettings, database: string): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}`;
  return host.startsWith('/')
    ? `postgres://${login}@/${database}?host=${encodeURIComponent(host)}&port=${port}&sslmode=disable`
    : `postgres://${login}@${host}:${port}/${database}?sslmode=disable`;
}

async function countTables({ host, port, user, password, database }: ConnectionSettings): Promise<number> {
  const client = new pg.Client({ host, port, user, password: password ?? '', database });
  await client.connect();
  const { rows } = await client.query<{ n: string }>(
    `select count(*) as n from pg_tables where schemaname = 'public' and tablename ~ '^t[0-9]+$'`,
  );
  await client.end();
  return Number(rows[0]!.n);
}

function timed([program, ...words]: readonly string[], url: string): number {
  // A file, as a log is: a pipe would wake this process for each line that one writes to stderr and another to stdout.
  const log = path.join(folder, 'stderr');
  const stderr = openSync(log, 'w');
  const started = performance.now();
  const { status, error } = spawnSync(program!, words, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CI: '1', DATABASE_URL: url, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', stderr],
  });
  const ms = performance.now() - started;
  closeSync(stderr);
  if (status !== 0)
    throw new Error(`${program} ${words.join(' ')}: ${status} ${error?.message ?? ''}\n${readFileSync(log, 'utf8')}`);
  return ms;
}

function report(samples: readonly { name: string; up: readonly number[]; status: readonly number[] }[]): void {
  const told = (times: readonly number[]) =>
    times.length === 0
      ? '–'
      : `${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)} – ${Math.max(...times).toFixed(0)})`;
  for (const { name, up, status } of samples) {
    console.log(`${name.padEnd(42)}up ${told(up).padEnd(26)}status ${told(status)}`);
  }
  const of = (name: string, verb: 'up' | 'status') => median(samples.find((sample) => sample.name === name)![verb]);
  const nodeRunners = [
    'node-pg-migrate',
    'node-pg-migrate, one transaction for all',
    'kysely-ctl, one transaction for all',
  ];
  const fastest = Math.min(...nodeRunners.map((name) => of(name, 'up')));
  const verdicts: [string, number, number][] = [
    ['up, SQL: of the fastest Node runner', of('structdb, SQL', 'up') / fastest, 1],
    ['up, SQL: of dbmate', of('structdb, SQL', 'up') / of('dbmate', 'up'), 1.5],
    [
      'up, TypeScript: of kysely-ctl',
      of('structdb, TypeScript', 'up') / of('kysely-ctl, one transaction for all', 'up'),
      1,
    ],
    ['status: of dbmate', of('structdb, SQL', 'status') / of('dbmate', 'status'), 3],
    ['status: milliseconds', of('structdb, SQL', 'status'), 200],
  ];
  for (const [what, value, target] of verdicts) {
    console.log(`${value <= target ? '✓' : '✗'} ${what}: ${value.toFixed(2)} (target: at most ${target})`);
    if (value > target) process.exitCode = 4;
  }
}
