/**
 * Importing the shapes against psql's `\copy` of the same rows, as a ratio in one run:
 *
 *     node benchmarks/peers/catalog-vs-copy.ts [rounds]
 *
 * Both fill the material_catalog of a migrated scratch server with the 4,598 rows of the shipped shapes. Process
 * start is left out of both: structdb is timed from the call of the import to its end (connecting, reading, checking and
 * loading included), `\copy` by psql's own `\timing`. Each import is the first of a new process, as a user runs it: it
 * also pays for compiling the code.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import { compare, context, inNewProcess, onScratchServer, psqlOn, timingOf } from './support.ts';

const ROWS = 4598;
const [mode, settings] = process.argv.slice(2);

if (mode === 'import') await timeImport(JSON.parse(settings!) as ConnectionSettings);
else await measure(Number(mode ?? 15));

async function measure(rounds: number): Promise<void> {
  await onScratchServer(async ({ connection, directory }) => {
    await up({ connection }, context);
    const psql = await psqlOn(connection);
    // What migration 004 put there stays, as in a user's database.
    const own = path.join(directory, 'migrated.csv');
    psql(`\\copy public.material_catalog to '${own}' csv`);
    const empty = () =>
      psql(`truncate public.material_catalog;\n\\copy public.material_catalog from '${own}' csv\ncheckpoint;`);
    const importRows = () => {
      empty();
      const words = ['import', JSON.stringify(connection)];
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
      { name: 'catalog import', run: importRows },
      { name: 'psql \\copy', run: copyRows },
      { rounds, target: 2 },
    );
  });
}

async function timeImport(connection: ConnectionSettings): Promise<void> {
  const files = shippedCatalogs().slice(0, 1);
  const started = performance.now();
  const { totals } = await importCatalogs({ connection, files }, context);
  const ms = performance.now() - started;
  if (totals.inserted !== ROWS) throw new Error(`Imported ${totals.inserted} rows, not ${ROWS}`);
  console.log(JSON.stringify({ ms }));
}
