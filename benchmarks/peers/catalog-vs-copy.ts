/**
 * Importing shapes against psql's `\copy` of the same prepared rows, as a ratio in one run:
 *
 *     node benchmarks/peers/catalog-vs-copy.ts [rounds] [shipped|aisc|one|ten …]
 *
 * `shipped` is the catalog that ships, `aisc` the same shapes in a file as AISC publishes it (both halves, 166 columns),
 * `one` and `ten` are that many editions in structdb's own layout, checked as everybody's file is. All fill the indexed
 * material_catalog of a migrated scratch server. Process start is left out of both, connecting is not: structdb is timed
 * from the call of the import to its end (connecting, reading, checking and loading included), psql as a whole less
 * `psql --version`. The import runs in a process that has run it before; what the first one of a process takes, which
 * also compiles the code, is told besides.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import { findProgram } from '../../src/programs/find.ts';
import { aiscFile } from './aisc-file.ts';
import { compare, context, inNewProcess, median, onScratchServer, places, psqlOn } from './support.ts';

const ROWS = 4598;
const TARGET = 1.5;
// V8 goes on compiling what is used most for as long.
const WARM_UP = 20;
const FILES: Readonly<Record<string, { rows: number; write: () => string }>> = {
  shipped: { rows: ROWS, write: () => readFileSync(shippedCatalogs()[0]!, 'utf8') },
  aisc: { rows: ROWS, write: aiscFile },
  one: { rows: ROWS - 1, write: () => editions(1) },
  ten: { rows: 10 * (ROWS - 1), write: () => editions(10) },
};

const [mode, settings, ...more] = process.argv.slice(2);
if (mode === 'import') {
  const ms = await importOf(JSON.parse(settings!) as ConnectionSettings, more[0]!, Number(more[1]));
  console.log(JSON.stringify({ ms }));
} else await measure(Number(mode ?? 15), settings === undefined ? Object.keys(FILES) : [settings, ...more]);

async function measure(rounds: number, names: readonly string[]): Promise<void> {
  const { path: program } = await findProgram('psql', places);
  let missed = 0;
  for (const name of names) {
    await onScratchServer(async ({ connection, directory }) => {
      await up({ connection }, context);
      const { rows, write } = FILES[name]!;
      const source = path.join(directory, `${name}.csv`);
      writeFileSync(source, write());
      const psql = await psqlOn(connection);
      // What migration 004 put there stays, as in a user's database.
      const own = path.join(directory, 'migrated.csv');
      psql(`\\copy public.material_catalog to '${own}' csv`);
      const empty = () =>
        psql(`truncate public.material_catalog;\n\\copy public.material_catalog from '${own}' csv\ncheckpoint;`);
      const firstImport = () => {
        empty();
        const words = ['import', JSON.stringify(connection), source, String(rows)];
        return inNewProcess<{ ms: number }>(fileURLToPath(import.meta.url), words).ms;
      };
      const importRows = async () => {
        empty();
        return importOf(connection, source, rows);
      };
      const first = median(Array.from({ length: 5 }, firstImport));
      for (let round = 0; round < WARM_UP; round += 1) await importRows();
      const file = path.join(directory, 'rows.csv');
      psql(`\\copy (select * from public.material_catalog where standard = 'AISC') to '${file}' csv`);
      const copyRows = () => {
        empty();
        const copy = timeOf(() => psql(`\\copy public.material_catalog from '${file}' csv`));
        return copy - timeOf(() => execFileSync(program, ['--version']));
      };
      await compare(
        { name: `catalog import (${name})`, run: importRows },
        { name: 'psql \\copy', run: copyRows },
        { rounds, target: TARGET },
      );
      console.log(`the first import of a process takes ${first.toFixed(1)} ms (median of 5)\n`);
      missed += process.exitCode === 0 ? 0 : 1;
    });
  }
  process.exitCode = missed === 0 ? 0 : 4;
}

/** Under names of their own, and so without the row that is allowed a slip in v16.0 alone. */
function editions(count: number): string {
  const [header, ...lines] = readFileSync(shippedCatalogs()[0]!, 'utf8').trimEnd().split('\n');
  const perimeter = header!.split(',').indexOf('perimeter');
  const good = lines.filter((line) => line.split(',')[perimeter] !== '18400');
  const copies = Array.from({ length: count }, (_, at) => good.map((line) => line.replace('v16.0', `v16.0-${at}`)));
  return `${[header, ...copies.flat()].join('\n')}\n`;
}

/** Milliseconds. */
async function importOf(connection: ConnectionSettings, file: string, rows: number): Promise<number> {
  const started = performance.now();
  const { totals } = await importCatalogs({ connection, files: [file] }, context);
  const ms = performance.now() - started;
  if (totals.inserted !== rows) throw new Error(`Imported ${totals.inserted} rows, not ${rows}`);
  return ms;
}

function timeOf(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}
