/**
 * Seeding 50,000 rows against psql's `\copy` of the same prepared rows, as a ratio in one run:
 *
 *     node benchmarks/peers/seed-vs-copy.ts [rounds]
 *
 * Both fill the empty, migrated project tables of a scratch server: keys, checks, foreign keys and triggers are in place,
 * secondary indexes are dropped before and built afterwards, untimed. Row generation is left out of structdb's time by
 * subtracting what generating the same rows takes in the same process; process start is left out of both.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { loadSample } from '../../src/database/load-sample.ts';
import { up } from '../../src/migrate/index.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';
import { copyText, defaultSample, type SampleTable, sampleTables } from '../../src/sample/index.ts';

const TARGET = 1.3;
const context = { clock: systemClock, report: () => {}, signal: new AbortController().signal };
const tables = sampleTables as unknown as readonly SampleTable<object>[];
const TABLES = 'public.projects, public.project_payloads, public.project_events';
const DROP_SECONDARY = `do $$
declare
  victim regclass;
begin
  for victim in
    select indexrelid::regclass from pg_index
    where indrelid = any('{public.projects, public.project_payloads, public.project_events}'::regclass[])
      and not exists (select from pg_constraint where conindid = indexrelid)
  loop
    execute format('drop index %s', victim);
  end loop;
end $$;`;
const EMPTY = `
alter table public.project_payloads disable trigger user;
alter table public.project_events disable trigger user;
truncate ${TABLES};
alter table public.project_payloads enable trigger user;
alter table public.project_events enable trigger user;
checkpoint;`;
const [mode, ...rest] = process.argv.slice(2);

if (mode === 'load') await timeLoad(JSON.parse(rest[0]!) as ConnectionSettings);
else await compare(Number(mode ?? 7));

async function timeLoad(connection: ConnectionSettings): Promise<void> {
  const generationStarted = performance.now();
  for (const table of tables) for (const _row of table.rows(defaultSample)) void _row;
  const generation = performance.now() - generationStarted;
  const started = performance.now();
  const loaded = await loadSample({ connection, ...defaultSample }, context);
  const total = performance.now() - started;
  if (loaded.projects + loaded.payloads + loaded.events !== 50_000) throw new Error('Not 50,000 rows were loaded');
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  console.log(JSON.stringify({ milliseconds: total - generation, total, peakKiB }));
}

async function compare(rounds: number): Promise<void> {
  const environment = Object.freeze({
    variables: process.env,
    home: homedir(),
    workingDirectory: process.cwd(),
    uid: process.geteuid?.(),
    userName: userInfo().username,
    hostName: hostname(),
    platform: process.platform,
  });
  const programs = await findServerPrograms({ environment, directories: [] });
  const { path: psql } = await findProgram('psql', { environment, directories: [] });
  await withScratchCluster({ programs, environment }, context, async ({ connection, directory }) => {
    await up({ connection }, context);
    const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', connection.host, '-p', String(connection.port)];
    const sql = (text: string) =>
      execFileSync(psql, [...args, '-U', connection.user, connection.database], { input: text, encoding: 'utf8' });
    const copies: string[] = [];
    for (const table of tables) {
      const columns = table.columns.map(({ name }) => name);
      const file = path.join(directory, `${table.name}.copy`);
      await writeFile(file, copyText(columns as never[], table.rows(defaultSample)));
      copies.push(`\\copy public.${table.name} (${columns.join(', ')}) from '${file}'`);
    }
    sql(DROP_SECONDARY);
    // The log refuses TRUNCATE, so its triggers are taken off while the tables are emptied.
    const empty = () => sql(EMPTY);
    const own = () =>
      JSON.parse(
        execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'load', JSON.stringify(connection)], {
          encoding: 'utf8',
        }),
      ) as { milliseconds: number; total: number; peakKiB: number };
    const timings = { structdb: [] as number[], total: [] as number[], copy: [] as number[], peaks: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      empty();
      const printed = sql(`\\timing on\nbegin;\n${copies.join('\n')}\ncommit;`);
      timings.copy.push([...printed.matchAll(/Time: ([\d.]+) ms/g)].reduce((sum, [, ms]) => sum + Number(ms), 0));
      empty();
      const { milliseconds, total, peakKiB } = own();
      timings.structdb.push(milliseconds);
      timings.total.push(total);
      timings.peaks.push(peakKiB);
    }
    const ratio = median(timings.structdb) / median(timings.copy);
    console.log(`psql \\copy   ${median(timings.copy).toFixed(0)} ms (median of ${rounds}, one transaction)`);
    console.log(
      `seeding      ${median(timings.structdb).toFixed(0)} ms, with row generation ${median(timings.total).toFixed(0)} ms, peak ${(Math.max(...timings.peaks) / 1024).toFixed(0)} MiB`,
    );
    console.log(`ratio        ${ratio.toFixed(2)} (target: at most ${TARGET})`);
    process.exitCode = ratio <= TARGET ? 0 : 4;
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
