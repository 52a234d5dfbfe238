/**
 * Importing shapes against psql's `\copy` of the same prepared rows, as a ratio in one run:
 *
 *     node benchmarks/peers/catalog-vs-copy.ts [rounds] [shipped|aisc|ten …]
 *
 * `shipped` is the catalog that ships, `aisc` the same shapes in a file as AISC publishes it (both halves, 166 columns),
 * `ten` ten editions of it in structdb's own layout (a tenth of the time per edition means linear). All fill the indexed
 * material_catalog of a migrated scratch server. Process start is left out of both: structdb is timed from the call of
 * the import to its end (connecting, reading, checking and loading included), `\copy` by psql's own `\timing`. Each import
 * is the first of a new process, as a user runs it: it also pays for compiling the code.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import { aiscFile } from './aisc-file.ts';
import { compare, context, inNewProcess, onScratchServer, psqlOn, timingOf } from './support.ts';

const ROWS = 4598;
const TARGET = 1.5;
const FILES: Readonly<Record<string, { rows: number; write: () => string }>> = {
  shipped: { rows: ROWS, write: () => readFileSync(shippedCatalogs()[0]!, 'utf8') },
  aisc: { rows: ROWS, write: aiscFile },
  ten: { rows: 10 * (ROWS - 1), write: tenEditions },
};

const [mode, settings, ...more] = process.argv.slice(2);
if (mode === 'import') await timeImport(JSON.parse(settings!) as ConnectionSettings, more[0]!, Number(more[1]));
else await measure(Number(mode ?? 15), settings === undefined ? Object.keys(FILES) : [settings, ...more]);

async function measure(rounds: number, names: readonly string[]): Promise<void> {
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
      const importRows = () => {
        empty();
        const words = ['import', JSON.stringify(connection), source, String(rows)];
        return inNewProcess<{ ms: number }>(fileURLToPath(import.meta.url), words).ms;
      };
      importRows();
      const file = path.join(directory, 'rows.csv');
      psql(`\\copy (select * from public.material_catalog where standard = 'AISC') to '${file}' csv`);
      const copyRows = () => {
        empty();
        return timingOf(psql(`\\timing on\n\\copy public.material_catalog from '${file}' csv`));
      };
      await compare(
        { name: `catalog import (${name})`, run: importRows },
        { name: 'psql \\copy', run: copyRows },
        { rounds, target: TARGET },
      );
      missed += process.exitCode === 0 ? 0 : 1;
    });
  }
  process.exitCode = missed === 0 ? 0 : 4;
}

/** Under names of their own, and so without the row that is allowed a slip in v16.0 alone. */
function tenEditions(): string {
  const [header, ...lines] = readFileSync(shippedCatalogs()[0]!, 'utf8').trimEnd().split('\n');
  const perimeter = header!.split(',').indexOf('perimeter');
  const good = lines.filter((line) => line.split(',')[perimeter] !== '18400');
  const editions = Array.from({ length: 10 }, (_, at) => good.map((line) => line.replace('v16.0', `v16.0-${at}`)));
  return `${[header, ...editions.flat()].join('\n')}\n`;
}

async function timeImport(connection: ConnectionSettings, file: string, rows: number): Promise<void> {
  const started = performance.now();
  const { totals } = await importCatalogs({ connection, files: [file] }, context);
  const ms = performance.now() - started;
  if (totals.inserted !== rows) throw new Error(`Imported ${totals.inserted} rows, not ${rows}`);
  console.log(JSON.stringify({ ms }));
}
