import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { listCatalogs, type ShowOptions, shippedCatalogs, showDesignation, unitOf } from '../../src/catalog/index.ts';
import { looseName } from '../../src/catalog/lookup/shape-names.ts';
import { splitRecords } from '../../src/catalog/reading/delimited.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { useServer } from '../support/postgres.ts';
import { csv, fileWith, importInto, useCatalogDatabases } from './support.ts';

const server = useServer();
const createDatabase = useCatalogDatabases(server);
let connection: ConnectionSettings;

beforeAll(async () => {
  connection = await createDatabase();
  const header = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'shape_type', 'weight'];
  const older = await fileWith(
    csv([
      header,
      ['AISC', 'v15.0', 'US', 'W14X90', 'shape', 'W', '90'],
      ['AISC', 'v15.0', 'US', 'M4X3.2', 'shape', 'M', '3.2'],
    ]),
  );
  await importInto(connection);
  await importInto(connection, { files: [older] });
});

async function show(designation: string, options: Partial<ShowOptions> = {}) {
  const { rows } = await showDesignation({ connection, designation, ...options }, testContext());
  return rows.map((row) => [row.standard, row.edition, row.unitSystem, row.designation, row.variant].join(' ').trim());
}

describe('catalog show', () => {
  it.each(['W14X90', 'w14x90', ' W360x134 '])('finds a shape as "%s", in both unit systems', async (name) => {
    expect(await show(name, { edition: 'v16.0' })).toEqual(['AISC v16.0 US W14X90', 'AISC v16.0 SI W360X134']);
  });

  it("finds the Manual's label", async () => {
    expect(await show('HSS34x10x7/8')).toEqual(['AISC v16.0 US HSS34X10X.875', 'AISC v16.0 SI HSS863.6X254X22.2']);
  });

  it.each([
    ['w 14 x 90', 'W14X90'],
    ['HSS 8 × 8 × .5', 'HSS8X8X.500'],
    ['HSS8x8x1/2', 'HSS8X8X.500'],
    ['hss1.9x.145', 'HSS1.9X.145'],
    ['HSS1.900×0.145', 'HSS1.9X.145'],
    ['L 4 x 4 x 1/2', 'L4X4X1/2'],
    ['l3-1/2x3x.25', 'L3-1/2X3X1/4'],
    ['L 3 1/2 x 3 x 1/4"', 'L3-1/2X3X1/4'],
    ['2L4x4x1/2', '2L4X4X1/2'],
    ['2l 4 x 4 x 1/2 x 3/8', '2L4X4X1/2X3/8'],
    ['pipe 4 std', 'PIPE4SCH40'],
    ['W360 x 134', 'W14X90'],
  ])('finds "%s" however it is written', async (name, designation) => {
    expect((await show(name, { edition: 'v16.0' }))[0]).toBe(`AISC v16.0 US ${designation}`);
  });

  it('shows every edition, or the one that is asked for', async () => {
    expect(await show('W14X90')).toEqual(['AISC v15.0 US W14X90', 'AISC v16.0 US W14X90', 'AISC v16.0 SI W360X134']);
    expect(await show('W14X90', { edition: '15.0' })).toEqual(['AISC v15.0 US W14X90']);
  });

  it.each([
    ['A992', ['ASTM A992 undated US 50 w-shapes']],
    ['ASTM A992 Gr. 50', ['ASTM A992 undated US 50 w-shapes']],
    ['a500 grade b', ['ASTM A500 undated US B hss-round', 'ASTM A500 undated US B hss-square-rectangular']],
    ['A500 Gr B', ['ASTM A500 undated US B hss-round', 'ASTM A500 undated US B hss-square-rectangular']],
  ])('finds the grade "%s"', async (name, rows) => {
    expect(await show(name)).toEqual(rows);
  });

  it('gives values as exact decimals with known units', async () => {
    const { rows } = await showDesignation({ connection, designation: 'W14X90', edition: 'v16.0' }, testContext());
    expect(rows[0]!.values).toMatchObject({ weight: '90', ix: '999', k1_detailing: '1.4375', counterpart: 'W360X134' });
    expect([unitOf('ix', 'SI'), unitOf('k1_detailing', 'US'), unitOf('web_slenderness', 'US')]).toEqual([
      'mm⁴',
      'in',
      '',
    ]);
  });

  it('suggests the nearest names where there is none', async () => {
    const error = await failureOf(show('W14X9'));
    expect([error.code, error.exitCode]).toEqual(['CATALOG_NOT_FOUND', 1]);
    expect(error.hint).toContain('W14X90');
    expect((await failureOf(show('M4X3.2', { edition: 'v16.0' }))).message).toContain('edition v16.0');
  });

  it('says how to import where nothing is imported', async () => {
    const empty = await createDatabase();
    const { sql } = await import('../support/postgres.ts');
    await sql(empty, (client) => client.query('truncate material_catalog'));
    const error = await failureOf(showDesignation({ connection: empty, designation: 'W14X90' }, testContext()));
    expect(error.hint).toContain('structdb catalog import');
  });
});

describe('the loose form of a name', () => {
  it('belongs to one shape of v16.0 in one unit system', async () => {
    const [file] = shippedCatalogs();
    const [header, ...records] = splitRecords(await readFile(file!, 'utf8'), file!);
    const [designation, label, system] = ['designation', 'manual_label', 'unit_system'].map((name) =>
      header!.cells().indexOf(name),
    ) as [number, number, number];
    const owners = new Map<string, Set<string>>();
    for (const record of records) {
      const cells = record.cells();
      for (const name of [cells[designation]!, cells[label]!]) {
        const loose = `${cells[system]} ${looseName(name)}`;
        owners.set(loose, (owners.get(loose) ?? new Set()).add(cells[designation]!));
      }
    }
    expect([...owners.values()].filter((shapes) => shapes.size > 1).map((shapes) => [...shapes])).toEqual([]);
  });
});

describe('catalog list', () => {
  it('counts rows by edition, kind and unit system', async () => {
    const { editions, rows } = await listCatalogs({ connection }, testContext());
    expect(rows).toBe(4598 + 55 + 172 + 2);
    expect(editions).toContainEqual({
      standard: 'AISC',
      edition: 'v16.0',
      kind: 'shape',
      variant: '',
      unitSystem: 'SI',
      rows: 2299,
      retired: 0,
    });
    expect(editions).toContainEqual({
      standard: 'AISC 360',
      edition: '22',
      kind: 'reference',
      variant: null,
      unitSystem: null,
      rows: 117,
      retired: 0,
    });
  });

  it('says to migrate where there is no schema', async () => {
    const error = await failureOf(listCatalogs({ connection: await server.createOwnedDatabase() }, testContext()));
    expect(error.code).toBe('SCHEMA_MISSING');
  });
});
