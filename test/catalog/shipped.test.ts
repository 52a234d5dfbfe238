import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { ContentHash } from '../../src/catalog/content-hash.ts';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import { MATERIALS, stagedRow } from '../../src/catalog/load/tables.ts';
import type { CatalogContent, MaterialContent } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import { splitRecords } from '../../src/catalog/reading/delimited.ts';
import type { MaterialRow } from '../../src/catalog/rows.ts';
import { SHIPPED_SHAPES } from '../../src/catalog/shipped.ts';
import { unitOf } from '../../src/catalog/units.ts';

const [SHAPES, GRADES, REFERENCES] = shippedCatalogs() as [string, string, string];

async function rowsOf(file: string) {
  const readings = [...checkRecords(readCatalog(await readFile(file), file, {}) as CatalogContent, file)];
  expect(readings.flatMap(({ problems }) => problems)).toEqual([]);
  return readings.flatMap(({ rows }) => rows);
}

describe('the shapes that ship', () => {
  it('are known by their hash, and their cells as they stand are what reading and checking gives', async () => {
    const bytes = await readFile(SHAPES);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(SHIPPED_SHAPES.sha256);
    const content = readCatalog(bytes, SHAPES, {}) as MaterialContent;
    const trusted = [...content.readTrusted!()].flatMap(({ rows }) => rows);
    expect(trusted).toHaveLength(4598);
    const says = new ContentHash();
    for (const { cells } of trusted) says.add(MATERIALS, cells);
    expect(says.digest()).toBe(SHIPPED_SHAPES.contentSha256);
    const read = (await rowsOf(SHAPES)).map(stagedRow);
    expect(trusted).toEqual(read.map(({ properties, ...row }) => row));
    const alike = new ContentHash();
    for (const { cells, properties } of read) alike.add(MATERIALS, cells, properties);
    expect(alike.digest()).toBe(SHIPPED_SHAPES.contentSha256);
  });

  it('are all 2,299 of v16.0 in both unit systems, recognised as the whole table', async () => {
    const content = readCatalog(await readFile(SHAPES), SHAPES, {});
    const scopes = [
      { standard: 'AISC', edition: 'v16.0', unitSystem: 'US', variant: '' },
      { standard: 'AISC', edition: 'v16.0', unitSystem: 'SI', variant: '' },
    ];
    expect(content.kind === 'materials' && content.whole()).toEqual(scopes);
    expect(SHIPPED_SHAPES.scopes).toEqual(scopes);
    const rows = (await rowsOf(SHAPES)) as MaterialRow[];
    const types = Map.groupBy(rows, (row) => `${row.unitSystem} ${row.texts.shape_type}`);
    const counts = {
      HSS: 714,
      '2L': 639,
      W: 289,
      WT: 289,
      L: 137,
      PIPE: 51,
      MC: 40,
      C: 32,
      S: 28,
      ST: 28,
      HP: 22,
      M: 16,
      MT: 14,
    };
    for (const [type, count] of Object.entries(counts)) {
      expect([types.get(`US ${type}`)?.length, types.get(`SI ${type}`)?.length]).toEqual([count, count]);
    }
    expect(rows).toHaveLength(4598);
  });

  it('hold plain decimals and names of shapes, and no text of the publisher', async () => {
    const [header, ...records] = splitRecords(await readFile(SHAPES, 'utf8'), SHAPES);
    const names = header!.cells();
    const own = [
      'standard',
      'edition',
      'unit_system',
      'designation',
      'kind',
      'shape_type',
      'manual_label',
      'counterpart',
    ];
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(names.filter((name) => /^(t_f|edi_|aisc)/.test(name))).toEqual([]);
    for (const record of records) {
      record.cells().forEach((cell, at) => {
        const name = names[at]!;
        if (!own.includes(name) && !/^((0|[1-9]\d*)(\.\d*[1-9])?)?$/.test(cell)) throw new Error(`${name}: "${cell}"`);
        if (['designation', 'manual_label', 'counterpart'].includes(name)) expect(cell).toMatch(/^[0-9A-Za-z./-]+$/);
      });
    }
  });

  it('have every counterpart, and each points back', async () => {
    const rows = (await rowsOf(SHAPES)) as MaterialRow[];
    const counterpartOf = (row: MaterialRow) => (row.properties.get('counterpart') as { text: string }).text;
    const byName = new Map(rows.map((row) => [row.designation, row]));
    expect(rows.filter((row) => counterpartOf(byName.get(counterpartOf(row))!) !== row.designation)).toEqual([]);
  });

  it('have no zero but the distance zB of equal angles', async () => {
    const [header, ...records] = splitRecords(await readFile(SHAPES, 'utf8'), SHAPES);
    const names = header!.cells();
    const zeros = records.flatMap((record) => record.cells().flatMap((cell, at) => (cell === '0' ? [names[at]] : [])));
    expect([new Set(zeros), zeros.length]).toEqual([new Set(['z_b']), 122]);
  });

  it('have a known unit in every column, or are ratios', async () => {
    const [header] = splitRecords(await readFile(SHAPES, 'utf8'), SHAPES);
    const numbers = header!
      .cells()
      .slice(7)
      .filter((name) => name !== 'counterpart');
    const without = numbers.filter((name) => unitOf(name, 'US') === '');
    expect(without.filter((name) => !name.endsWith('slenderness') && !name.includes('slenderness_'))).toEqual([
      'flexural_constant',
      'tan_alpha',
    ]);
  });
});

describe('the grades and references that ship', () => {
  it('are complete and correct rows', async () => {
    expect(await rowsOf(GRADES)).toHaveLength(55);
    expect(await rowsOf(REFERENCES)).toHaveLength(172);
  });

  it('name a source for every grade, and no address of a file', async () => {
    for (const row of (await rowsOf(GRADES)) as MaterialRow[]) {
      const source = row.properties.get('source') as { text: string };
      expect(source.text).not.toBe('');
      expect(source.text).not.toMatch(/https?:|github|scribd|\//);
    }
  });

  it('are described in the README beside them', async () => {
    const readme = await readFile(path.join(path.dirname(SHAPES), 'README.md'), 'utf8');
    for (const word of [
      'aisc-shapes-v16.0.csv',
      'astm-grades.csv',
      'code-references.csv',
      'v16.0',
      'warranty',
      '| mm⁴ |',
    ]) {
      expect(readme).toContain(word);
    }
  });
});
