/**
 * Importing the shapes against psql's `\copy` of the same rows, as a ratio in one run:
 *
 *     node benchmarks/peers/catalog-vs-copy.ts [rounds]
 *
 * Both fill the empty, migrated material_catalog of a scratch server with the 4,598 rows of the shipped shapes, and take
 * turns. Process start is left out of both: structdb is timed from the call of the import to its end (connecting, reading,
 * checking and loading included), `\copy` by psql's own `\timing`. Each import is the first of a new process, as a user
 * runs it: it also pays for compiling the code.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { up } from '../../src/migrate/index.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';

const TARGET = 2;
const ROWS = 4598;
const rounds = Number(process.argv[2] ?? 15);
const context = { clock: systemClock, report: () => {}, signal: new AbortController().signal };
const environment = Object.freeze({
  variables: process.env,
  home: homedir(),
  workingDirectory: process.cwd(),
  uid: process.geteuid?.(),
  userName: userInfo().username,
  hostName: hostname(),
  platform: process.platform,
});
const places = { environment, directories: [] };
const { path: psql } = await findProgram('psql', places);

await withScratchCluster({ programs: await findServerPrograms(places), environment }, context, async (cluster) => {
  const { connection, directory } = cluster;
  await up({ connection }, context);
  const flags = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', connection.host, '-p', String(connection.port)];
  const run = (text: string) =>
    execFileSync(psql, [...flags, '-U', connection.user, connection.database], { input: text, encoding: 'utf8' });
  const empty = () => run('truncate public.material_catalog; checkpoint;');

  empty();
  const first = await timeImport(connection);
  // Taken here, because garbage of many imports in one process says nothing about one.
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  const file = path.join(directory, 'rows.csv');
  run(`\\copy public.material_catalog to '${file}' csv`);
  const imports: number[] = [];
  const copies: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    empty();
    copies.push(
      Number(/Time: ([\d.]+) ms/.exec(run(`\\timing on\n\\copy public.material_catalog from '${file}' csv`))![1]),
    );
    empty();
    imports.push(await timeImport(connection));
  }
  const ratio = median(imports) / median(copies);
  const firstRatio = first / median(copies);
  console.log(`psql \\copy      ${median(copies).toFixed(1)} ms (median of ${rounds})`);
  console.log(
    `catalog import  ${median(imports).toFixed(1)} ms (median of ${rounds}; the first ${first.toFixed(1)} ms)`,
  );
  console.log(
    `ratio           ${ratio.toFixed(2)}, the first ${firstRatio.toFixed(2)} (target: at most ${TARGET} each), peak memory ${Math.round(peakKiB / 1024)} MiB`,
  );
  process.exitCode = Math.max(ratio, firstRatio) <= TARGET ? 0 : 4;
});

async function timeImport(connection: ConnectionSettings): Promise<number> {
  const files = shippedCatalogs().slice(0, 1);
  const started = performance.now();
  const { totals } = await importCatalogs({ connection, files }, context);
  if (totals.inserted !== ROWS) throw new Error(`Imported ${totals.inserted} rows, not ${ROWS}`);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
