/**
 * Writes catalogs/astm-grades.csv and catalogs/code-references.csv from compiled lists of facts:
 *
 *     node scripts/build-reference-catalogs.ts <grades.csv> <code-references.csv>
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkRecords } from '../src/catalog/checks/records.ts';
import { Properties } from '../src/catalog/properties.ts';
import { astmGradesReader } from '../src/catalog/readers/astm-grades.ts';
import { codeReferencesReader } from '../src/catalog/readers/code-references.ts';
import type { CatalogContent } from '../src/catalog/readers/content.ts';
import { readTable } from '../src/catalog/reading/table.ts';
import type { MaterialRow, ReferenceRow } from '../src/catalog/rows.ts';
import { csvLine, writeMaterials } from '../src/catalog/write.ts';

/** What each source is called in the shipped table: the book or the publisher, not the address it was read at. */
const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^Materials for Civil and Construction Engineers/, 'Materials for Civil and Construction Engineers, Table 3.2'],
  [/^AISC Steelwise reprint/, 'AISC Manual, Table 2-4'],
  [/^AISC Steelwise Jan 2009/, 'AISC Steelwise, January 2009'],
  [/^magedkamel/, 'AISC Manual (15th ed.), Table 2-4'],
  [/wikipedia/, 'Wikipedia, ASTM A500'],
  [/^ferrobend/, 'Ferrobend, A500 table'],
  [/steeltubeinstitute.*A500-21/, 'Steel Tube Institute, A500-21'],
  [/steeltubeinstitute.*a1065/, 'Steel Tube Institute, A1065'],
  [/rreichel86/, 'material table of an open-source HSS connection program'],
  [/^cctia.*A36/, 'CCTIA 10.008, ASTM A36 Table 3'],
  [/^cctia.*A307/, 'CCTIA 10.008, title of ASTM A307 (60,000 psi tensile; no yield strength given)'],
  [/^civilengineeringx/, 'Civil Engineering X, structural shapes and plates'],
  [/^boltport.*A709/, 'ASTM A709-13a, Table 1; Boltport, A709 table'],
  [/^ASTM A242-04/, 'summary of ASTM A242-04'],
  [/^bacoent/, 'suppliers’ F3125 tables'],
  [/^portlandbolt.*F3125/, 'Portland Bolt, F3125'],
  [/^boltport.*F1554/, 'Boltport and TKBolt, F1554 tables'],
];

const [grades, references] = process.argv.slice(2);
if (grades === undefined || references === undefined) {
  throw new Error('Usage: node scripts/build-reference-catalogs.ts <grades.csv> <code-references.csv>');
}
const target = (name: string) => fileURLToPath(new URL(`../catalogs/${name}`, import.meta.url));

const read = astmGradesReader.read(readTable(readFileSync(grades), grades), {});
const propertyNames = ['fy_max', 'fu_max', 'thickness_over', 'thickness_to', 'source'];
const rows = rowsOf<MaterialRow>(read).map((row) => {
  const properties = new Properties();
  for (const name of propertyNames) {
    const value = row.properties.get(name);
    if (typeof value === 'object') properties.add(name, { text: value.text.split(' | ').map(nameOf).join('; ') });
    else if (value !== undefined) properties.add(name, value);
  }
  return { ...row, properties };
});
writeFileSync(target('astm-grades.csv'), writeMaterials(rows, propertyNames));

const sections = codeReferencesReader.read(readTable(readFileSync(references), references), {});
const titles = rowsOf<ReferenceRow>(sections);
const header = ['standard', 'edition', 'section', 'title', 'topic'] as const;
const lines = titles.map((row) => csvLine(header.map((name) => row[name] ?? '')));
writeFileSync(target('code-references.csv'), `${[header.join(','), ...lines].join('\n')}\n`);
console.log(`${rows.length} grades, ${titles.length} references`);

function nameOf(source: string): string {
  const known = SOURCES.find(([pattern]) => pattern.test(source));
  if (!known) throw new Error(`No name for the source "${source}"`);
  return known[1];
}

function rowsOf<Row>(content: CatalogContent): Row[] {
  const readings = [...checkRecords(content, content.format)];
  const problems = readings.flatMap((reading) => reading.problems);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return readings.flatMap((reading) => reading.rows) as Row[];
}
