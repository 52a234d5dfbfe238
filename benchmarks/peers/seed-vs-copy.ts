/**
 * Seeding 50,000 rows against psql's `\copy` of the same prepared rows, as a ratio in one run:
 *
 *     node benchmarks/peers/seed-vs-copy.ts [rounds]
 *
 * Both fill the empty, migrated project tables of a scratch server: keys, checks, foreign keys and triggers are in place,
 * secondary indexes are dropped before and built afterwards, untimed. Row generation is left out of structdb's time by
 * subtracting what generating the same rows takes in the same process; process start is left out of both.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { loadSample } from '../../src/database/load-sample.ts';
import { up } from '../../src/migrate/index.ts';
import { copyText, defaultSample, type SampleTable, sampleTables } from '../../src/sample/index.ts';
import { compare, context, inNewProcess, onScratchServer, psqlOn, timingOf } from './support.ts';

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
// The log refuses TRUNCATE, so its triggers are taken off while the tables are emptied.
const EMPTY = `
alter table public.project_payloads disable trigger user;
alter table public.project_events disable trigger user;
truncate ${TABLES};
alter table public.project_payloads enable trigger user;
alter table public.project_events enable trigger user;
checkpoint;`;
const [mode, settings] = process.argv.slice(2);

if (mode === 'load') await timeLoad(JSON.parse(settings!) as ConnectionSettings);
else await measure(Number(mode ?? 7));

async function measure(rounds: number): Promise<void> {
  await onScratchServer(async ({ connection, directory }) => {
    await up({ connection }, context);
    const psql = await psqlOn(connection);
    const copies: string[] = [];
    for (const table of tables) {
      const columns = table.columns.map(({ name }) => name);
      const file = path.join(directory, `${table.name}.copy`);
      await writeFile(file, copyText(columns as never[], table.rows(defaultSample)));
      copies.push(`\\copy public.${table.name} (${columns.join(', ')}) from '${file}'`);
    }
    psql(DROP_SECONDARY);
    const copyRows = () => {
      psql(EMPTY);
      return timingOf(psql(`\\timing on\nbegin;\n${copies.join('\n')}\ncommit;`));
    };
    const seed = () => {
      psql(EMPTY);
      return inNewProcess<{ ms: number }>(fileURLToPath(import.meta.url), ['load', JSON.stringify(connection)]).ms;
    };
    await compare({ name: 'seeding', run: seed }, { name: 'psql \\copy', run: copyRows }, { rounds, target: 1.3 });
  });
}

async function timeLoad(connection: ConnectionSettings): Promise<void> {
  const generationStarted = performance.now();
  for (const table of tables) for (const _row of table.rows(defaultSample)) void _row;
  const generation = performance.now() - generationStarted;
  const started = performance.now();
  const loaded = await loadSample({ connection, ...defaultSample }, context);
  const total = performance.now() - started;
  if (loaded.projects + loaded.payloads + loaded.events !== 50_000) throw new Error('Not 50,000 rows were loaded');
  console.log(JSON.stringify({ ms: total - generation }));
}
