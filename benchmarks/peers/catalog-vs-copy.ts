/**
 * Importing the shapes against psql's `\copy` of the same rows, as a ratio in one run:
 *
 *     node benchmarks/peers/catalog-vs-copy.ts [rounds]
 *
 * Both fill the empty, migrated material_catalog of a scratch server with the 4,598 rows of the shipped shapes. A round
 * starts a fresh process for each and takes turns; process start is left out of both: structdb is timed inside its process
 * from the call of the import to its end (connecting, reading, checking and loading included, nothing warmed up),
 * `\copy` by psql's own `\timing`.
 */
import { execFileSync } from 'node:child_process';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { up } from '../../src/migrate/index.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';

const TARGET = 2;
const context = { clock: systemClock, report: () => {}, signal: new AbortController().signal };
const [mode, ...rest] = process.argv.slice(2);

if (mode === 'import') await timeImport(JSON.parse(rest[0]!) as ConnectionSettings);
else await compare(Number(mode ?? 11));

async function timeImport(connection: ConnectionSettings): Promise<void> {
  const files = shippedCatalogs().slice(0, 1);
  const started = performance.now();
  const { totals } = await importCatalogs({ connection, files }, context);
  const milliseconds = performance.now() - started;
  if (totals.inserted !== 4598) throw new Error(`Imported ${totals.inserted} rows, not 4598`);
  const { readFileSync } = await import('node:fs');
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  console.log(JSON.stringify({ milliseconds, peakKiB }));
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
    const own = () => importOnce(connection);
    own();
    const rows = path.join(directory, 'rows.csv');
    const columns = sql(`\\t\n\\a\nselect string_agg(attname, ', ' order by attnum) from pg_attribute
      where attrelid = 'public.material_catalog'::regclass and attnum > 0 and not attisdropped;`).trim();
    sql(`\\copy public.material_catalog (${columns}) to '${rows}' csv`);
    const empty = () => sql('truncate public.material_catalog; checkpoint;');
    const timings: { structdb: number[]; copy: number[]; peaks: number[] } = { structdb: [], copy: [], peaks: [] };
    for (let round = 0; round < rounds; round += 1) {
      empty();
      const printed = sql(`\\timing on\n\\copy public.material_catalog (${columns}) from '${rows}' csv`);
      timings.copy.push(Number(/Time: ([\d.]+) ms/.exec(printed)![1]));
      empty();
      const { milliseconds, peakKiB } = own();
      timings.structdb.push(milliseconds);
      timings.peaks.push(peakKiB);
    }
    const ratio = median(timings.structdb) / median(timings.copy);
    console.log(`psql \\copy       ${median(timings.copy).toFixed(1)} ms (median of ${rounds})`);
    console.log(
      `catalog import   ${median(timings.structdb).toFixed(1)} ms, peak ${(Math.max(...timings.peaks) / 1024).toFixed(0)} MiB`,
    );
    console.log(`ratio            ${ratio.toFixed(2)} (target: at most ${TARGET})`);
    process.exitCode = ratio <= TARGET ? 0 : 4;
  });
}

function importOnce(connection: ConnectionSettings): { readonly milliseconds: number; readonly peakKiB: number } {
  const self = fileURLToPath(import.meta.url);
  const printed = execFileSync(process.execPath, [self, 'import', JSON.stringify(connection)], { encoding: 'utf8' });
  return JSON.parse(printed) as { milliseconds: number; peakKiB: number };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
