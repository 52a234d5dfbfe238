import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { cellOf, type SearchCriteria, searchCatalog, shippedCatalogs } from '../../src/catalog/index.ts';
import { printFilter } from '../../src/catalog/lookup/filter.ts';
import type { CatalogContent } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import type { MaterialRow } from '../../src/catalog/rows.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { createKysely } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql } from '../support/postgres.ts';
import { filters, fits } from './filters.ts';
import { csv, fileWith, importInto, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
let connection: ConnectionSettings;

/** Besides what ships: an older edition, the A1085 table, an older grade, and somebody's own table. */
const MORE = csv([
  [
    'standard',
    'edition',
    'unit_system',
    'designation',
    'variant',
    'kind',
    'shape_type',
    'manual_label',
    'weight',
    'zx',
    'fy',
    'colour',
    'load_class',
  ],
  ['AISC', 'v9.0', 'US', 'W14X90', '', 'shape', 'W', 'W14X90', '90', '157', '', '', ''],
  ['AISC', 'v9.0', 'US', 'M4X3.2', '', 'shape', 'M', 'M4X3.2', '3.2', '', '', '', ''],
  ['AISC', 'v16.0', 'US', 'HSS8X8X.5', 'A1085', 'shape', 'HSS', 'HSS8X8X1/2', '48.85', '', '', '', ''],
  ['ASTM A992', '11', 'US', '50', 'w-shapes', 'material', '', '', '', '', '50', '', ''],
  ['Own', '1', 'US', 'TRUSS-7', '', 'shape', 'TR', '', '12', '', '', 'red', '3'],
  ['Own', '1', 'US', 'TRUSS-8', '', 'shape', 'TR', '', '14', '', '', 'blue', 'heavy'],
]);

beforeAll(async () => {
  connection = await createDatabase();
  await importInto(connection);
  await importInto(connection, { files: [await fileWith(MORE)] });
});

async function search(filter: string, criteria: Partial<SearchCriteria> = {}) {
  return searchCatalog({ connection, filter, ...criteria }, testContext());
}

const namesOf = async (...given: Parameters<typeof search>) =>
  (await search(...given)).rows.map((row) => row.designation);

describe('catalog search', () => {
  it('finds the lightest W of enough strength, numbers with their units', async () => {
    const result = await search('W, Zx >= 200, d <= 24', { sort: ['weight'], limit: 3 });
    expect(result).toMatchObject({ filter: 'W, zx >= 200, depth <= 24', unitSystem: 'US', total: 58 });
    expect(result.rows.map((row) => row.designation)).toEqual(['W24X76', 'W21X93', 'W18X97']);
    expect(result.rows[0]!.values).toMatchObject({ weight: '76', zx: '200', depth: '23.9', counterpart: 'W610X113' });
    expect(result.units).toMatchObject({ weight: 'lb/ft', zx: 'in³', flange_width: 'in' });
    expect(result.columns).toEqual(['weight', 'zx', 'depth', 'area', 'ix', 'sx', 'ry']);
    expect(result.columns.map((name) => cellOf(result.rows[0]!, name))[0]).toBe('76');
  });

  it('searches one unit system, and converts units exactly', async () => {
    const metric = await search('W, Zx >= 3000 cm³, d <= 24 in', { unitSystem: 'SI', limit: 1 });
    expect([metric.unitSystem, metric.units.zx, metric.rows[0]!.designation]).toEqual(['SI', 'mm³', 'W610X113']);
    // W24X104 is 24.1 in deep: 610 mm is 24.0157… in.
    expect(await namesOf('W24X104, d <= 610 mm')).toEqual([]);
    expect(await namesOf('W24X104, d <= 612.14 mm')).toEqual(['W24X104']);
    expect(await namesOf('W24X104, d < 612.14 mm')).toEqual([]);
    expect(await namesOf('W24X104, d = 612.14 mm..613 mm')).toEqual(['W24X104']);
  });

  it('finds names of both unit systems and of the Manual', async () => {
    for (const name of ['hss8x8x1/2', 'HSS8X8X.500', 'HSS203.2X203.2X12.7']) {
      expect(await namesOf(name)).toEqual(['HSS8X8X.500']);
    }
    expect((await search('W14*', { unitSystem: 'SI' })).total).toBe((await search('W14*')).total);
  });

  it('looks at the newest edition of shapes and the newest row of a grade, and at the main table', async () => {
    expect((await search('W14X90')).rows.map((row) => row.edition)).toEqual(['v16.0']);
    expect((await search('W14X90', { edition: '9.0' })).rows.map((row) => row.edition)).toEqual(['v9.0']);
    expect((await search('standard = "ASTM A992"')).rows.map((row) => row.edition)).toEqual(['11']);
    expect((await search('standard = "ASTM A992"', { edition: 'undated' })).total).toBe(1);
    expect((await search('', { variant: 'A1085' })).rows.map((row) => row.values.weight)).toEqual(['48.85']);
    const wrong = await failureOf(search('W', { edition: 'v17.0' }));
    expect([wrong.code, wrong.hint]).toEqual(['CATALOG_NOT_FOUND', expect.stringContaining('v16.0')]);
    expect((await failureOf(search('W', { variant: 'A1' }))).message).toContain('variant "A1"');
  });

  it('leaves retired rows out until asked for', async () => {
    const retired = await createDatabase();
    await importInto(retired, { files: [await fileWith(MORE)] });
    await sql(retired, (client) =>
      client.query(`update material_catalog set retired_at = now() where shape_type = 'M'`),
    );
    const find = (more: Partial<SearchCriteria>) =>
      searchCatalog({ connection: retired, filter: 'M4*', edition: 'v9.0', ...more }, testContext());
    expect((await find({})).total).toBe(0);
    expect((await find({ retired: true })).rows[0]).toMatchObject({
      designation: 'M4X3.2',
      retiredAt: expect.any(String),
    });
  });

  it('sorts by several fields, and rows without a value come last', async () => {
    const { rows } = await search('L4X4*|TR', { sort: ['-tan(α)', 'weight'], columns: ['d', 'type'], limit: 30 });
    expect(rows[0]!.shapeType).toBe('L');
    expect(rows.slice(-2).map((row) => row.designation)).toEqual(['TRUSS-7', 'TRUSS-8']);
    expect((await failureOf(search('W', { sort: ['-hight'] }))).message).toContain(
      'Cannot sort by that: unknown field',
    );
    expect((await failureOf(search('W', { columns: ['Zz'] }))).message).toContain('Cannot show that');
  });

  it("knows properties of somebody's own, numbers or words", async () => {
    expect(await namesOf('colour = r*')).toEqual(['TRUSS-7']);
    expect(await namesOf('load_class >= 3')).toEqual(['TRUSS-7']);
    expect(await namesOf('load_class = heavy', { sort: ['colour'] })).toEqual(['TRUSS-8']);
    expect((await failureOf(search('color = red'))).message).toContain('did you mean colour?');
  });

  it('tells a type that there is none of from one that nothing fits', async () => {
    const error = await failureOf(search('W|WW, Zx >= 1e9'));
    expect([error.code, error.message]).toEqual(['FILTER_INVALID', expect.stringContaining('no shape type WW')]);
    expect((await search('W, Zx >= 1e9')).total).toBe(0);
  });

  it('asks through an open client, a pool or a Kysely, which stay open', async () => {
    const db = await createKysely<object>(connection, profiles.application, { max: 1 });
    const pool = new pg.Pool({ ...connection, ssl: false, max: 1 });
    await sql(connection, async (client) => {
      for (const open of [client, pool, db, client]) {
        const { total } = await searchCatalog({ client: open, filter: 'W, Zx >= 200, d <= 24' }, testContext());
        expect(total).toBe(58);
      }
    });
    await Promise.all([pool.end(), db.destroy()]);
  });

  it('keeps every value out of the text of the statement', async () => {
    const texts: string[] = [];
    await sql(connection, async (client) => {
      const query = (text: string, values?: unknown[]) => {
        texts.push(text);
        return client.query(text, values);
      };
      const filter = `W|X'Y*, kind = "o'x;--", tw <= 0.777, Fy = 41..43`;
      await failureOf(searchCatalog({ client: { query }, filter, variant: "v'1" }, testContext()));
      await searchCatalog({ client: { query }, filter: filter.replace('W|', ''), edition: 'v16.0' }, testContext());
    });
    expect(texts.length).toBeGreaterThan(2);
    for (const text of texts) expect(text).not.toMatch(/o'x|X'Y|O'X|0\.777|41|v'1|v16|web_thickness/);
  });

  it('finds exactly the rows that fit, for any filter', async () => {
    const files = shippedCatalogs().slice(0, 2);
    const rows: MaterialRow[] = [];
    for (const file of files) {
      for (const reading of checkRecords(readCatalog(await readFile(file), file, {}) as CatalogContent, file)) {
        rows.push(...(reading.rows as MaterialRow[]));
      }
    }
    const plain = await createDatabase();
    await importInto(plain, { files });
    const system = fc.constantFrom('US' as const, 'SI' as const);
    await sql(plain, (client) =>
      fc.assert(
        fc.asyncProperty(filters, system, async (filter, unitSystem) => {
          const text = printFilter(filter);
          const wanted = rows.filter((row) => fits(filter, row, unitSystem) && !isSuperseded(row));
          const options = { client, filter: text, unitSystem, limit: 5000, sort: ['designation'] };
          const found = await searchCatalog(options, testContext()).catch((error: { code: string }) => {
            // A type that nobody has.
            if (error.code === 'FILTER_INVALID' && wanted.length === 0) return { rows: [] };
            throw error;
          });
          const keys = (list: readonly { standard: string; designation: string; variant: string }[]) =>
            list.map((row) => `${row.standard} ${row.designation} ${row.variant}`).sort();
          expect(keys(found.rows)).toEqual(keys(wanted));
        }),
        { numRuns: 40 },
      ),
    );

    /** The one grade of the shipped table that has a newer edition. */
    function isSuperseded({ standard, edition }: MaterialRow): boolean {
      return standard === 'ASTM A500' && edition === 'before 21';
    }
  });
});
