import { spawn } from 'node:child_process';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { Environment } from '../../src/config/environment.ts';
import { resolveConnection } from '../../src/config/resolve.ts';
import { systemClock } from '../../src/core/clock.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';

/**
 * `structdb migrate up` against `kysely migrate latest --no-transaction` (its own Migrator, the same files) on an empty
 * database: whole processes, taken in turns, medians and their ratio. On a private server, or on --url (needs CREATEDB).
 *
 *   node benchmarks/peers/migrate-vs-kysely-ctl.ts [--runs 15] [--url postgres://…]
 */
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' }, url: { type: 'string' } } });
const runs = Number(values.runs);

const COMMANDS = {
  structdb: [path.join(root, 'bin/structdb.js'), 'migrate', 'up', '--quiet'],
  'kysely-ctl': [
    path.join(root, 'node_modules/kysely-ctl/dist/bin.mjs'),
    ...['migrate', 'latest', '--no-transaction', '--no-outdated-check'],
    ...['--config', path.join(root, 'benchmarks/peers/kysely-ctl/kysely.config.ts')],
  ],
} as const;
type Contender = keyof typeof COMMANDS;

const environment: Environment = {
  variables: process.env,
  home: homedir(),
  workingDirectory: process.cwd(),
  uid: process.geteuid?.(),
  userName: userInfo().username,
  hostName: hostname(),
  platform: process.platform,
};

if (values.url) await compare(await resolveConnection({ url: values.url, environment }));
else {
  const programs = await findServerPrograms({ environment, directories: [] });
  const context = { clock: systemClock, report: () => {}, signal: new AbortController().signal };
  await withScratchCluster({ programs, environment }, context, ({ connection }) => compare(connection));
}

async function compare(connection: ConnectionSettings): Promise<void> {
  const { host, port, user, password, database } = connection;
  const client = new pg.Client({ host, port, user, password: password ?? '', database });
  await client.connect();
  const times: Record<Contender, number[]> = { structdb: [], 'kysely-ctl': [] };
  try {
    // the first round fills the compile caches of both and does not count
    for (let round = 0; round <= runs; round += 1) {
      const order: Contender[] = round % 2 === 0 ? ['structdb', 'kysely-ctl'] : ['kysely-ctl', 'structdb'];
      for (const contender of order) {
        const ms = await timeOnce(client, connection, contender);
        if (round > 0) times[contender].push(ms);
      }
    }
  } finally {
    await client.end();
  }
  const [ours, theirs] = [median(times.structdb), median(times['kysely-ctl'])];
  console.log(`structdb migrate up          ${ours.toFixed(0)} ms   (${spread(times.structdb)})`);
  console.log(`kysely-ctl --no-transaction  ${theirs.toFixed(0)} ms   (${spread(times['kysely-ctl'])})`);
  console.log(
    `ratio                        ${(ours / theirs).toFixed(2)}   (${runs} runs each, medians; 1 or less is the goal)`,
  );
}

async function timeOnce(client: pg.Client, connection: ConnectionSettings, contender: Contender): Promise<number> {
  const database = `structdb_peer_${process.pid}`;
  await client.query(`create database ${database}`);
  try {
    const started = performance.now();
    await run(COMMANDS[contender], {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '/',
      CI: '1',
      PGHOST: connection.host,
      PGPORT: String(connection.port),
      PGUSER: connection.user,
      PGPASSWORD: connection.password ?? '',
      PGDATABASE: database,
    });
    return performance.now() - started;
  } finally {
    await client.query(`drop database ${database} with (force)`);
  }
}

function run(args: readonly string[], env: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { cwd: '/', env, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${args.join(' ')}: ${code}: ${complaint}`)),
    );
  });
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function spread(numbers: readonly number[]): string {
  return `${Math.min(...numbers).toFixed(0)} – ${Math.max(...numbers).toFixed(0)}`;
}
