/**
 * `structdb migrate up` against `kysely migrate latest --no-transaction` (its own Migrator, the same files) on an empty
 * database: whole processes, taken in turns, medians and their ratio. On a private server, or on --url (needs CREATEDB).
 *
 *   node benchmarks/peers/migrate-vs-kysely-ctl.ts [--runs 15] [--url postgres://…]
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { resolveConnection } from '../../src/config/resolve.ts';
import { compare, environment, onScratchServer } from './support.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' }, url: { type: 'string' } } });

const STRUCTDB = [path.join(root, 'bin/structdb.js'), 'migrate', 'up', '--quiet'];
const KYSELY_CTL = [
  path.join(root, 'node_modules/kysely-ctl/dist/bin.mjs'),
  ...['migrate', 'latest', '--no-transaction', '--no-outdated-check'],
  ...['--config', path.join(root, 'benchmarks/peers/kysely-ctl/kysely.config.ts')],
];

if (values.url) await measure(await resolveConnection({ url: values.url, environment }));
else await onScratchServer(({ connection }) => measure(connection));

async function measure(connection: ConnectionSettings): Promise<void> {
  const { host, port, user, password, database } = connection;
  const client = new pg.Client({ host, port, user, password: password ?? '', database });
  await client.connect();
  try {
    await compare(
      { name: 'structdb migrate up', run: () => timeOnce(client, connection, STRUCTDB) },
      { name: 'kysely-ctl --no-transaction', run: () => timeOnce(client, connection, KYSELY_CTL) },
      { rounds: Number(values.runs), target: 1 },
    );
  } finally {
    await client.end();
  }
}

async function timeOnce(
  client: pg.Client,
  connection: ConnectionSettings,
  command: readonly string[],
): Promise<number> {
  const database = `structdb_peer_${process.pid}`;
  await client.query(`create database ${database}`);
  try {
    const started = performance.now();
    await run(command, {
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
