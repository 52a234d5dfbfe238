/**
 * Writes catalogs/aisc-shapes-v16.0.csv from AISC's shapes database v16.0 as a CSV file:
 *
 *     node scripts/build-aisc-catalog.ts <aisc-shapes-database-v16.0.csv>
 *
 * Take the file with formatted cells (`16.1`, `44  3/4 `), not one from raw cells (`16.100000000000001`). Only numbers
 * and names of shapes are written, under structdb's own column names; US rows first, then SI, in the publisher's order.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkRecords } from '../src/catalog/checks/records.ts';
import { aiscShapesReader } from '../src/catalog/readers/aisc-shapes.ts';
import { readTable } from '../src/catalog/reading/table.ts';
import type { MaterialRow } from '../src/catalog/rows.ts';
import { writeMaterials } from '../src/catalog/write.ts';

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('Usage: node scripts/build-aisc-catalog.ts <aisc-shapes-database-v16.0.csv>');

const content = aiscShapesReader.read(readTable(readFileSync(source), source), {});
const readings = [...checkRecords(content, source)];
const problems = readings.flatMap((reading) => reading.problems);
if (content.kind !== 'materials' || problems.length > 0 || content.whole()[0]?.edition !== 'v16.0') {
  throw new Error(`${source} is not the whole table of v16.0: ${JSON.stringify(problems.slice(0, 5))}`);
}
const all = readings.flatMap((reading) => reading.rows) as MaterialRow[];
const rows = (['US', 'SI'] as const).flatMap((system) => all.filter((row) => row.unitSystem === system));
const target = fileURLToPath(new URL('../catalogs/aisc-shapes-v16.0.csv', import.meta.url));
const text = writeMaterials(rows, ['counterpart', ...content.columns].filter(isProperty));
writeFileSync(target, text);
const sha256 = createHash('sha256').update(text).digest('hex');
console.log(`${target}: ${rows.length} rows; SHIPPED_SHAPES.sha256 of src/catalog/shipped.ts must be ${sha256}`);

function isProperty(name: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(name) === index && rows.some((row) => row.properties.get(name) !== undefined);
}
