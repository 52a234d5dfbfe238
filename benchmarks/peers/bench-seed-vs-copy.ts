/**
 * Filling the benchmark's database against psql's `\copy` of prepared files plus the same index builds, as a ratio in one
 * run; and the most memory of ours:
 *
 *     node benchmarks/peers/bench-seed-vs-copy.ts [projects, 100000] [rounds, 3]
 *
 * Both begin with the empty, migrated tables of a new database, without keys, indexes and firing triggers, and end when
 * keys, indexes and foreign keys are there and the tables are vacuumed. Both have 128 MB for each build and do not wait
 * for the disk at a commit. Ours makes its rows meanwhile, in a new process whose start is left out; psql reads files.
 */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { bulkLoad } from '../../src/bench/data/bulk-load.ts';
import { setAside } from '../../src/bench/data/set-aside.ts';
import { keepMemorySmall } from '../../src/cli/memory.ts';
import { type ConnectionSettings, withDatabase } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import type { ScratchCluster } from '../../src/postgres/cluster.ts';
import { withClient } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { copyText, type SampleTable, sampleTables } from '../../src/sample/index.ts';
import { compare, context, inNewProcess, onScratchServer, psqlOn, timingOf } from './support.ts';

const MEMORY_MIB = 300;
const tables = sampleTables as unknown as readonly SampleTable<object>[];
const VACUUM = `vacuum (analyze) ${tables.map(({ name }) => `public.${name}`).join(', ')};`;
const [mode, settings, size] = process.argv.slice(2);

if (mode === 'load') await timeLoad(JSON.parse(settings!) as ConnectionSettings, Number(size));
else await measure(Number(mode ?? 100_000), Number(settings ?? 3));

async function measure(projects: number, rounds: number): Promise<void> {
  const work = async ({ connection, directory }: ScratchCluster) => {
    const migrated = withDatabase(connection, 'migrated');
    const working = withDatabase(connection, 'working');
    const admin = await psqlOn(connection);
    admin('create database migrated;');
    await up({ connection: migrated }, context);
    const copies: string[] = [];
    for (const table of tables) {
      const columns = table.columns.map(({ name }) => name);
      const file = path.join(directory, `${table.name}.copy`);
      await pipeline(copyText(columns as never[], table.rows({ projects, seed: 1 })), createWriteStream(file));
      copies.push(`\\copy public.${table.name} (${columns.join(', ')}) from '${file}'`);
    }
    const renew = () =>
      admin('drop database if exists working;\ncreate database working template migrated;\ncheckpoint;');
    const byPsql = async () => {
      renew();
      const { keys, indexes, foreignKeys } = await withClient(working, profiles.seed, context, async (client) => {
        const aside = await setAside(
          client,
          tables.map(({ name }) => `public.${name}`),
        );
        for (const { name } of tables) await client.query(`alter table public.${name} disable trigger user`);
        return aside;
      });
      const builds = [...keys, ...foreignKeys, ...indexes].flatMap(({ statements }) => statements);
      const script = [...copies, ...builds.map((statement) => `${statement};`), VACUUM].join('\n');
      const psql = await psqlOn(working);
      return timingOf(
        psql(`set synchronous_commit = off;\nset maintenance_work_mem = '128MB';\n\\timing on\n${script}`),
      );
    };
    let mostMemory = 0;
    const byStructdb = () => {
      renew();
      const words = ['load', JSON.stringify(working), String(projects)];
      const { ms, peakMib } = inNewProcess<{ ms: number; peakMib: number }>(fileURLToPath(import.meta.url), words);
      mostMemory = Math.max(mostMemory, peakMib);
      return ms;
    };
    await compare({ name: 'structdb', run: byStructdb }, { name: 'psql', run: byPsql }, { rounds, target: 1.3 });
    console.log(`memory: ${mostMemory.toFixed(0)} MiB at most, limit ${MEMORY_MIB}`);
    if (mostMemory > MEMORY_MIB) process.exitCode = 4;
  };
  // As on most servers: without it ours would write no log of the rows, and psql's would be written.
  await onScratchServer(work, { wal_level: 'replica' });
}

async function timeLoad(connection: ConnectionSettings, projects: number): Promise<void> {
  keepMemorySmall();
  const started = performance.now();
  const loaded = await bulkLoad(connection, { projects, seed: 1 }, context);
  await withClient(connection, profiles.seed, context, (client) => client.query(VACUUM));
  const ms = performance.now() - started;
  if (loaded.projects !== projects) throw new Error(`Not ${projects} projects were loaded`);
  const [, peak] = /VmHWM:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))!;
  console.log(JSON.stringify({ ms, peakMib: Number(peak) / 1024 }));
}
