import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type DiffOptions, diffEditions } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, urlOf } from '../support/postgres.ts';
import { csv, fileWith, importInto, PUBLISHED, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
let connection: ConnectionSettings;

const HEADER = [
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
  'web_thickness',
  'slender_reduction',
  'perimeter',
  'counterpart',
];
const TWO = csv([
  HEADER,
  ['Own', '1', 'US', 'W1', '', 'shape', 'W', 'W1', '90', '157', '0.44', '1', '', 'WM1'],
  ['Own', '1', 'US', 'W2', '', 'shape', 'W', 'W2', '10', '20', '0.5', '1', '', 'WM2'],
  ['Own', '1', 'US', 'W3', '', 'shape', 'W', 'W3', '11', '', '0.6', '', '', 'WM3'],
  ['Own', '1', 'US', 'C1', '', 'shape', 'C', 'C1', '5', '', '', '', '', ''],
  ['Own', '1', 'US', 'W1', 'B', 'shape', 'W', 'W1', '91', '', '', '', '', ''],
  ['Own', '2', 'US', 'W1', '', 'shape', 'W', 'W1', '90', '157', '0.44', '', '7', 'WM1.0'],
  ['Own', '2', 'US', 'W2', '', 'shape', 'W', 'W2.0', '10', '21', '', '', '7', 'WM2'],
  ['Own', '2', 'US', 'W4', '', 'shape', 'W', 'W4', '12', '', '0.7', '', '8', ''],
  ['Own', '2', 'US', 'C1', '', 'shape', 'C', 'C1', '5.5', '', '', '', '', ''],
]);

beforeAll(async () => {
  connection = await createDatabase();
  await importInto(connection, { files: [await fileWith(TWO)] });
  // A stranger's spelling of the same numbers.
  await sql(connection, (client) =>
    client.query(
      `update material_catalog set weight = 90.00, properties = properties || '{"web_thickness": 0.4400}'
      where standard = 'Own' and edition = '2' and designation = 'W1'`,
    ),
  );
});

const diff = (options: Partial<DiffOptions> = {}) =>
  diffEditions({ connection, standard: 'Own', from: '1', to: '2', ...options } as DiffOptions, testContext());
const names = (rows: readonly { readonly designation: string }[]) => rows.map((row) => row.designation);

describe('catalog diff', () => {
  it('tells added, dropped and changed rows with old and new values, numbers as numbers', async () => {
    const result = await diff();
    expect([names(result.added), names(result.dropped), names(result.changed), result.unchanged]).toEqual([
      ['W4'],
      ['W3'],
      ['C1', 'W2'],
      1,
    ]);
    expect(result.changed.at(-1)!.changes).toEqual(
      [
        { column: 'manual_label', unit: '', from: 'W2', to: 'W2.0' },
        { column: 'web_thickness', unit: 'in', from: '0.5', to: null },
        { column: 'zx', unit: 'in³', from: '20', to: '21' },
      ].sort((a, b) => order.indexOf(a.column) - order.indexOf(b.column)),
    );
  });

  const order = ['manual_label', 'zx', 'web_thickness'];

  it('tells a column that one edition lacks altogether once, not for every row', async () => {
    expect((await diff()).onlyIn).toEqual({ from: ['slender_reduction'], to: ['perimeter'] });
  });

  it('can be limited to a type and a column', async () => {
    expect(names((await diff({ type: 'c' })).changed)).toEqual(['C1']);
    const zx = await diff({ column: 'Zx' });
    expect([names(zx.changed), zx.added, zx.unchanged]).toEqual([['W2'], [], 2]);
    expect((await failureOf(diff({ column: 'Zz' }))).code).toBe('USAGE');
  });

  it('compares one unit system and one variant, and names what there is', async () => {
    const metric = await failureOf(diff({ unitSystem: 'SI' }));
    expect([metric.code, metric.message]).toEqual(['CATALOG_NOT_FOUND', 'Own 1 has no rows in SI units.']);
    expect((await failureOf(diff({ variant: 'B' }))).message).toBe('Own 2 B has no rows in US units.');
    const edition = await failureOf(diff({ to: '3' }));
    expect([edition.message, edition.hint]).toEqual([
      'No edition "3" of Own is in the database.',
      expect.stringContaining('1 US, 1 B US, 2 US'),
    ]);
  });

  it('leaves out retired rows: they are no longer in that edition', async () => {
    const copy = await createDatabase();
    await importInto(copy, { files: [await fileWith(TWO)] });
    await sql(copy, (client) =>
      client.query(
        `update material_catalog set retired_at = now() where edition = '2' and designation = 'W1' and standard = 'Own'`,
      ),
    );
    expect(names((await diff({ connection: copy })).dropped)).toEqual(['W1', 'W3']);
  });

  it('prints a summary and the first rows, or all as CSV and JSON, and exits 0', async () => {
    const run = (...flags: string[]) =>
      structdb(['catalog', 'diff', '1', '2', '--standard', 'Own', ...flags, '--url', urlOf(connection)]);
    const [screen, table, json, both] = await Promise.all([
      run('--limit', '1'),
      run('--csv'),
      run('--json'),
      run('--json', '--csv'),
    ]);
    expect([screen.exitCode, table.exitCode, json.exitCode, both.exitCode]).toEqual([0, 0, 0, 2]);
    expect(screen.stdout).toContain('1 added, 1 dropped, 2 changed, 1 unchanged');
    expect(screen.stdout).toMatch(/^ {2}only 1 has slender_reduction$/m);
    expect(screen.stdout).toMatch(/^C1 +weight +5 lb\/ft +5\.5 lb\/ft$/m);
    expect(screen.stdout).toContain('and 1 more rows');
    expect(table.stdout.split('\n')).toContain('changed,W,W2,,zx,in³,20,21');
    expect(json.json.result.added).toEqual([{ designation: 'W4', variant: '', manualLabel: 'W4', shapeType: 'W' }]);
  });
});

const older = path.join(PUBLISHED, 'aisc/v15.0-full.csv');

(existsSync(older) ? describe : describe.skip)('catalog diff of the published v15.0 and v16.0', () => {
  it('adds 222 shapes, drops 14 and changes 287', async () => {
    const published = await createDatabase();
    await importInto(published);
    await importInto(published, { files: [older] });
    const result = await diffEditions({ connection: published, from: '15.0', to: 'v16.0' }, testContext());
    // Compared exactly: Cw of ST2X4.75, 0.00995 in v15.0 and 0.01 in v16.0, is one of them.
    expect([result.added.length, result.dropped.length, result.changed.length, result.unchanged]).toEqual([
      222, 14, 287, 1790,
    ]);
    expect([names(result.dropped).includes('M4X3.2'), result.onlyIn]).toEqual([true, { from: [], to: [] }]);
    const angle = result.changed.find((row) => row.designation === '2L2-1/2X1-1/2X3/16SLBB');
    expect(angle!.changes[0]).toEqual({ column: 'zx', unit: 'in³', from: '0.82', to: '0.396' });
    const counts = Map.groupBy(
      result.changed.flatMap((row) => row.changes),
      ({ column }) => column,
    );
    expect([counts.get('depth_detailing')?.length, counts.get('gage_outer')?.length, counts.get('zx')?.length]).toEqual(
      [122, 100, 6],
    );
  });
});
