import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { ContentHash } from '../../src/catalog/content-hash.ts';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import { MATERIALS, REFERENCES, stagedRow } from '../../src/catalog/load/tables.ts';
import { eachProperty } from '../../src/catalog/property-json.ts';
import type { CatalogContent } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';

type Cells = (string | null)[];

function hashOf(rows: readonly Cells[], table = MATERIALS): string {
  const hash = new ContentHash();
  for (const cells of rows) hash.add(table, cells);
  return hash.digest();
}

async function hashOfText(text: string | Uint8Array): Promise<string> {
  const hash = new ContentHash();
  const content = readCatalog(typeof text === 'string' ? Buffer.from(text) : text, 'x.csv', {}) as CatalogContent;
  for (const { rows } of checkRecords(content, 'x.csv')) {
    for (const row of rows) hash.add('section' in row ? REFERENCES : MATERIALS, [...stagedRow(row).cells]);
  }
  return hash.digest();
}

const decimal = fc
  .tuple(fc.nat(99_999), fc.stringMatching(/^\d{1,6}$/))
  .map(([whole, fraction]) => `${whole}.${fraction}`);
const word = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0'));
const properties = fc
  .dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), fc.oneof(decimal, word), { maxKeys: 6 })
  .map((record) => Object.entries(record));
const material = fc.record({
  key: fc.tuple(word, word, word, word, word),
  texts: fc.tuple(word, word, word, word),
  numbers: fc.array(fc.option(decimal), { minLength: 13, maxLength: 13 }),
  properties,
});
type Material = Parameters<Parameters<typeof material.map>[0]>[0];

/** The same row written in two ways: as an importer stages it, and as a stranger might, or PostgreSQL prints it. */
function plainly({ key, texts, numbers, properties: entries }: Material): Cells {
  return [...key, ...texts.map((text) => text || null), ...numbers, json(entries, ',', ':')];
}

function otherwise({ key, texts, numbers, properties: entries }: Material): Cells {
  const padded = numbers.map((number) => (number === null ? null : `0${number}00`));
  return [...key, ...texts.map((text) => ` ${text} `), ...padded, json(entries.toReversed(), ', ', ': ', '00')];
}

function json(entries: readonly (readonly [string, string])[], comma: string, colon: string, zeros = ''): string {
  const parts = entries.map(([name, value]) => {
    return `"${name}"${colon}${/^\d+\.\d+$/.test(value) ? value + zeros : JSON.stringify(value)}`;
  });
  return `{${parts.join(comma)}}`;
}

describe('the content hash', () => {
  it('does not depend on the order of rows and properties, nor on how values are written', () => {
    fc.assert(
      fc.property(fc.array(material, { maxLength: 5 }), (rows) => {
        expect(hashOf(rows.toReversed().map(otherwise))).toBe(hashOf(rows.map(plainly)));
      }),
      { numRuns: 50 },
    );
  });

  it('changes with any cell, and with a row more', () => {
    fc.assert(
      fc.property(material, fc.nat(21), (row, at) => {
        const cells = plainly(row);
        const changed = cells.with(at, `${cells[at] ?? ''}7`);
        expect(hashOf([changed])).not.toBe(hashOf([cells]));
        expect(hashOf([cells, cells])).not.toBe(hashOf([cells]));
        const more = { ...row, properties: [...row.properties, ['another', '1.5'] as [string, string]] };
        expect(hashOf([plainly(more)])).not.toBe(hashOf([cells]));
      }),
      { numRuns: 50 },
    );
  });

  it('is that of the table: a value in another column or table is other content', () => {
    const cells: Cells = ['AISC 360', '22', 'A1', 'Scope', null, 'x', null];
    expect(hashOf([cells], REFERENCES)).not.toBe(hashOf([cells.with(5, null).with(6, 'x')], REFERENCES));
    expect(hashOf([], REFERENCES)).toBe(hashOf([], MATERIALS));
  });

  it('of a file is the same whatever its encoding, line ends, order of rows and trailing zeros', async () => {
    const [, grades] = shippedCatalogs() as [string, string];
    const text = await readFile(grades, 'utf8');
    const [header, ...lines] = text.trimEnd().split('\n');
    const hash = await hashOfText(text);
    expect(hash).toBe(await hashOfText([header, ...lines.toReversed()].join('\r\n')));
    expect(hash).toBe(await hashOfText(Buffer.from(`\ufeff${text}`, 'utf16le')));
    expect(hash).toBe(await hashOfText(text.replace(',36,58,', ',36.0,58.00,')));
    expect(hash).not.toBe(await hashOfText(text.replace(',36,58,', ',36,58.01,')));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('properties as JSON text', () => {
  it('are read as JSON.parse reads them, with numbers as they are written', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const record = fc.dictionary(fc.string(), fc.oneof(value, fc.jsonValue({ maxDepth: 2 })));
    fc.assert(
      fc.property(record, fc.constantFrom(0, 2), (object, indent) => {
        const read: [string, string][] = [];
        eachProperty(JSON.stringify(object, null, indent), (name, text) => void read.push([name, text]));
        const text = (entry: unknown) => (typeof entry === 'string' ? entry : JSON.stringify(entry, null, indent));
        const expected = Object.entries(JSON.parse(JSON.stringify(object)) as object).filter(([, v]) => v !== null);
        // What is nested keeps its own blanks.
        const plain = (entries: [string, unknown][]) => entries.map(([n, t]) => [n, String(t).replaceAll(/\s/g, '')]);
        expect(plain(read)).toEqual(plain(expected.map(([name, entry]) => [name, text(entry)])));
      }),
    );
    const exact: string[] = [];
    eachProperty('{"a": 1.500000000000000000001, "b": "x\\"},{", "c": null}', (...entry) => void exact.push(...entry));
    expect(exact).toEqual(['a', '1.500000000000000000001', 'b', 'x"},{']);
  });
});
