/**
 * Large generated catalogs: the most memory an import ever holds (VmHWM), and its time against psql's `\copy` of the same
 * prepared rows in the same run:
 *
 *     node benchmarks/catalog-million.ts [rows] [shapes|references|grades …]
 *
 * Each import is a new process, as the command line sets it up, on a private server in a scratch folder. Exit code 4 when one exceeds 200 MiB or takes more
 * than twice the time of `\copy`. The statistics of the tables are those of empty ones for both.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { importCatalogs } from '../src/catalog/index.ts';
import { keepMemorySmall } from '../src/cli/memory.ts';
import type { ConnectionSettings } from '../src/config/connection.ts';
import { up } from '../src/migrate/index.ts';
import { context, onScratchServer, psqlOn, timingOf } from './peers/support.ts';

const LIMIT_MIB = 200;
const MOST_TIMES_COPY = 2;
const LAYOUT =
  'standard,edition,unit_system,designation,kind,shape_type,manual_label,weight,area,depth,ix,sx,zx,rx,iy,sy,zy,ry,web_thickness,flange_thickness,note';

const KINDS: Readonly<Record<string, { table: string; header: string; row: (at: number) => string }>> = {
  shapes: { table: 'material_catalog', header: LAYOUT, row: shape },
  references: {
    table: 'code_references',
    header: 'standard,edition,section,title,url',
    row: (at) =>
      `Code ${at % 7},${2000 + (at % 20)},${at}.${at % 9},"Loads, and combinations of ${at}",https://x.org/${at}`,
  },
  grades: {
    table: 'material_catalog',
    header: 'designation,grade,product_form,fy_ksi,fu_ksi,source',
    row: (at) =>
      `A${at % 900},Gr ${at},plates (over ${1 + (at % 3)} to ${5 + (at % 3)} in.),${36 + (at % 30)},${70 + (at % 30)},book ${at % 12}`,
  },
};

const words = process.argv.slice(2);
if (words[0] === 'import') await timeImport(JSON.parse(words[1]!), words[2]!);
else await measure(Number(words[0] ?? 1_000_000), words.length > 1 ? words.slice(1) : Object.keys(KINDS));

async function measure(rows: number, kinds: readonly string[]): Promise<void> {
  await onScratchServer(async ({ connection, directory }) => {
    await up({ connection }, context);
    const psql = await psqlOn(connection);
    for (const kind of kinds) {
      const { table, header, row } = KINDS[kind]!;
      const file = path.join(directory, `${kind}.csv`);
      await pipeline(Readable.from(lines(header, row, rows)), createWriteStream(file));
      const empty = () => psql(`truncate public.${table};\ncheckpoint;`);
      empty();
      const words = [fileURLToPath(import.meta.url), 'import', JSON.stringify(connection), file];
      const { ms, mib } = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
      const prepared = path.join(directory, 'prepared.csv');
      psql(`\\copy public.${table} to '${prepared}' csv`);
      empty();
      const copyMs = timingOf(
        psql(`set statement_timeout = 0;\n\\timing on\n\\copy public.${table} from '${prepared}' csv`),
      );
      const ratio = ms / copyMs;
      console.log(
        `${kind.padEnd(11)}${rows} rows: ${mib.toFixed(0)} MiB, ${(ms / 1000).toFixed(1)} s; psql \\copy ${(copyMs / 1000).toFixed(1)} s; ratio ${ratio.toFixed(2)}`,
      );
      if (mib > LIMIT_MIB || ratio > MOST_TIMES_COPY) process.exitCode = 4;
      empty();
    }
  });
}

function* lines(header: string, row: (at: number) => string, rows: number): Generator<string> {
  yield `${header}\n`;
  let chunk = '';
  for (let at = 0; at < rows; at += 1) {
    chunk += `${row(at)}\n`;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** Of a W shape, roughly: what is checked of one holds. */
function shape(at: number): string {
  const depth = 4 + (at % 400) / 10;
  const area = 5 + (at % 977) / 10;
  const sx = 20 + (at % 5000) / 10;
  const ix = (sx * depth) / 2;
  const iy = ix / 4;
  const sy = sx / 3;
  const web = 0.25 + (at % 9) / 16;
  const [rx, ry] = [Math.sqrt(ix / area), Math.sqrt(iy / area)];
  const values = [area * 3.403, area, depth, ix, sx, sx * 1.1, rx, iy, sy, sy * 1.5, ry, web, web * 1.5];
  const cells = values.map((value) => Number(value.toPrecision(4)));
  return `Generated,v1,US,W${at},shape,W,w${at},${cells.join(',')},number ${at}`;
}

async function timeImport(connection: ConnectionSettings, file: string): Promise<void> {
  keepMemorySmall();
  const started = performance.now();
  await importCatalogs({ connection, files: [file] }, context);
  const ms = performance.now() - started;
  console.log(JSON.stringify({ ms, mib: process.resourceUsage().maxRSS / 1024 }));
}
