/**
 * A scrape against Debian's prometheus-postgres-exporter, as a ratio in one run:
 *
 *     node benchmarks/peers/monitor-vs-postgres-exporter.ts [rounds [scrapes]]
 *     (needs prometheus-postgres-exporter: apt-get install prometheus-postgres-exporter)
 *
 * A database with 500 tables, 1,000 indexes and 5,000 statements in pg_stat_statements. Both are processes of their own that
 * answer over HTTP and ask for the same each time, sizes too: the peer with its own collectors, and for those that it lacks
 * with the queries of peers/postgres-exporter-queries.yaml. Then what `structdb monitor serve` takes, the package as npm ships
 * it, facts beyond the server's included: processor time of a scrape as a share of one core at one scrape every 15 s, and
 * memory over 2,000 scrapes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { keepMemorySmall } from '../../src/cli/memory.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { Exporter } from '../../src/monitor/exporter.ts';
import { describeMetric } from '../../src/monitor/metrics/describe.ts';
import { renderMetrics } from '../../src/monitor/metrics/exposition.ts';
import { freePort } from '../../src/postgres/cluster.ts';
import { prepareOwn } from './backups.ts';
import { compare, context, median, onScratchServer, psqlOn } from './support.ts';

const TABLES = 500;
const queries = path.join(import.meta.dirname, 'postgres-exporter-queries.yaml');

const [mode, ...words] = process.argv.slice(2);
if (mode === 'serve') await serve(JSON.parse(words[0]!), Number(words[1]));
else await main(Number(mode ?? 40), Number(words[0] ?? 2_000));

async function main(rounds: number, scrapes: number): Promise<void> {
  const settings = {
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.max': '6000',
  };
  await onScratchServer(async ({ connection, directory }) => {
    const psql = await psqlOn(connection);
    psql(tables());
    psql(statements());
    // No query of the benchmark itself at the top, and none that comes or goes meanwhile.
    console.log(`${TABLES} tables, ${psql('\\t\nselect count(*) from pg_stat_statements').trim()} statements`);
    const ours = await started(process.execPath, [import.meta.filename, 'serve', JSON.stringify(connection)]);
    const peer = await started('prometheus-postgres-exporter', ['--extend.query-path', queries], {
      target: connection,
    });
    try {
      const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
      console.log(`structdb ${samples(await ours.scrape())} samples, the peer ${samples(await peer.scrape())}`);
      await compare(
        { name: 'structdb', run: () => timed(ours.scrape) },
        { name: 'prometheus-postgres-exporter', run: () => timed(peer.scrape) },
        { rounds, target: 1 },
      );
    } finally {
      ours.child.kill();
      peer.child.kill();
    }
    await take(directory, connection, scrapes);
  }, settings);
}

function tables(): string {
  return Array.from(
    { length: TABLES },
    (_, n) => `create table part_${n} (id int primary key, name text, weight float8, made date);
      create index on part_${n} (name);
      insert into part_${n} select i, 'part ' || i, i, '2026-01-01' from generate_series(1, 50) i;`,
  ).join('\n');
}

/** Ten for each table. Constants are left out of what tells two statements apart: what is asked for does. */
function statements(): string {
  const asked = ['id', 'name', 'weight', 'made', 'id, name', 'id, weight', 'id, made', 'name, weight', 'name, made'];
  const shapes = [...asked, 'weight, made'].flatMap((columns) =>
    Array.from({ length: TABLES }, (_, n) => `select ${columns} from part_${n} where id = 7;`),
  );
  return `create extension pg_stat_statements; vacuum analyze;\n\\o /dev/null\n${shapes.join('\n')}`;
}

async function take(directory: string, connection: ConnectionSettings, scrapes: number): Promise<void> {
  const { folder, program } = prepareOwn(path.join(directory, 'own'));
  const { host, user, database } = connection;
  const url = `postgres://${user}@/${database}?host=${host}`;
  const { child, scrape } = await started(process.execPath, [program, 'monitor', 'serve', '--url', url, '--port'], {
    folder,
  });
  try {
    for (let warm = 0; warm < 5; warm += 1) await scrape();
    const before = processorMs(child.pid!);
    const times: number[] = [];
    const memory: number[] = [];
    for (let made = 1; made <= scrapes; made += 1) {
      times.push(await timed(scrape));
      if (made % Math.ceil(scrapes / 10) === 0) memory.push(residentMiB(child.pid!));
    }
    const cpuMs = (processorMs(child.pid!) - before) / scrapes;
    const share = (cpuMs / 15_000) * 100;
    console.log(`monitor serve: ${median(times).toFixed(1)} ms a scrape (median of ${scrapes})`);
    console.log(
      `processor time ${cpuMs.toFixed(1)} ms: ${share.toFixed(2)} % of a core at one every 15 s (target: below 1)`,
    );
    console.log(`memory while they were made: ${memory.map(Math.round).join(', ')} MiB (target: below 150)`);
    if (share >= 1 || Math.max(...memory) >= 150) process.exitCode = 4;
  } finally {
    child.kill();
  }
}

function residentMiB(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
}

/** Linux counts it in hundredths of a second. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

interface Exposing {
  readonly child: ChildProcess;
  scrape(): Promise<string>;
}

/** Starts a program that takes its port as the last word, and waits until it answers. */
async function started(
  command: string,
  words: readonly string[],
  { target, folder }: { readonly target?: ConnectionSettings; readonly folder?: string } = {},
): Promise<Exposing> {
  const port = await freePort();
  const source =
    target && `user=${target.user} dbname=${target.database} host=${target.host} port=${target.port} sslmode=disable`;
  const child = spawn(command, [...words, source ? `--web.listen-address=127.0.0.1:${port}` : String(port)], {
    ...(folder ? { cwd: folder } : {}),
    env: { ...process.env, ...(source ? { DATA_SOURCE_NAME: source } : {}) },
    stdio: 'ignore',
  });
  const agent = new http.Agent({ keepAlive: true });
  const scrape = () =>
    new Promise<string>((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, path: '/metrics', agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
    });
  for (let attempt = 0; ; attempt += 1) {
    try {
      await scrape();
      return { child, scrape };
    } catch (error) {
      if (attempt === 100 || child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** As `structdb monitor serve` answers, without the facts that are not the server's. */
async function serve(connection: ConnectionSettings, port: number): Promise<void> {
  // The peer measures every table and database each time: so does this, which by itself does it once a minute.
  const exporter = new Exporter(
    { targets: [connection], scrapeTimeoutMs: 20_000, statements: 10, sizesEveryMs: 0 },
    context,
  );
  keepMemorySmall();
  const server = http.createServer(async (_, response) => {
    response.end(renderMetrics(await exporter.scrape(), describeMetric));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
