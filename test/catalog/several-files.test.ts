import { describe, expect, it } from '@jest/globals';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import { failureOf } from '../support/failure.ts';
import { countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'weight', 'fy', 'note'];
const row = (name: string, weight: string, fy = '50', note = 'n') => [
  'Own',
  '1',
  'US',
  name,
  'material',
  weight,
  fy,
  note,
];
const file = (name: string, ...rows: string[][]) => fileWith(csv([HEADER, ...rows]), name);

describe('two files of one run', () => {
  it('may hold the same row when they say the same of it', async () => {
    const connection = await createDatabase();
    const files = [
      await file('a.csv', row('A', '90'), row('B', '1')),
      await file('b.csv', row('A', '90.0'), row('C', '2')),
    ];
    const narrow = await fileWith(csv([HEADER.slice(0, 6), row('A', '90').slice(0, 6)]), 'narrow.csv');
    const run = { files: [...files, narrow] };
    expect(countsOf(await importInto(connection, { ...run, dryRun: true })).slice(0, 2)).toEqual([3, 0]);
    expect(countsOf(await importInto(connection, run))).toEqual([3, 0, 2, 0, 0]);
  });

  it('that contradict each other are refused, with file, line and both values; nothing is imported', async () => {
    const connection = await createDatabase();
    const one = await file('a.csv', row('A', '90'), row('B', '1', '36', 'old'));
    const other = await file('b.csv', row('C', '2'), row('B', '1', '36', 'new'));
    const narrow = await fileWith(csv([HEADER.slice(0, 6), row('A', '91').slice(0, 6)]), 'narrow.csv');
    for (const dryRun of [true, false]) {
      const error = await failureOf(importInto(connection, { files: [one, other], dryRun }));
      expect([error.code, error.message]).toEqual([
        'CATALOG_BAD_ROWS',
        `${other} contradicts ${one} in 1 row; nothing was imported.`,
      ]);
      expect(error.details).toEqual(['b.csv:3: Own 1 US B, note new: a.csv:3 says old']);
    }
    expect((await failureOf(importInto(connection, { files: [one, narrow] }))).details).toEqual([
      'narrow.csv:2: Own 1 US A, weight 91: a.csv:2 says 90',
    ]);
    const bytes = {
      name: 'pipe',
      stream: (async function* () {
        yield Buffer.from(csv([HEADER, row('A', '92')]));
      })(),
    };
    expect((await failureOf(importInto(connection, { files: [bytes, one] }))).details).toEqual([
      'a.csv:2: Own 1 US A is written otherwise in pipe:2',
    ]);
    expect(await rowsOf(connection, `select from material_catalog where standard = 'Own'`)).toEqual([]);
  });
});

describe('what a dry run tells', () => {
  it('are the rows that would change, with old and new values', async () => {
    const connection = await createDatabase();
    await importInto(connection, { files: [await file('a.csv', row('A', '90'), row('B', '80'), row('C', '70'))] });
    await importInto(connection, {
      files: [await file('a.csv', row('A', '90'), row('B', '80'))],
      complete: true,
      retireAbove5Percent: true,
    });
    const next = await file('b.csv', row('A', '90.5', '50', 'm'), row('C', '70'), row('D', '0.0125'));
    const result = await importInto(connection, { files: [next], complete: true, dryRun: true });
    expect(countsOf(result)).toEqual([1, 2, 0, 1, 0]);
    expect(result.files[0]!.changes).toEqual({
      inserted: [
        {
          row: 'Own 1 US D',
          values: [
            { name: 'kind', before: null, after: 'material' },
            { name: 'weight', before: null, after: '0.0125' },
            { name: 'fy', before: null, after: '50' },
            { name: 'note', before: null, after: 'n' },
          ],
        },
      ],
      updated: [
        {
          row: 'Own 1 US A',
          values: [
            { name: 'weight', before: '90', after: '90.5' },
            { name: 'note', before: 'n', after: 'm' },
          ],
        },
        { row: 'Own 1 US C', values: [{ name: 'status', before: 'retired', after: 'in use' }] },
      ],
      retired: [{ row: 'Own 1 US B', values: [{ name: 'status', before: 'in use', after: 'retired' }] }],
    });
    expect(result.files[0]!.retirement).toMatchObject([{ inUse: 2, retired: 1, asks: true }]);
  });

  it('is bounded, and counts everything', async () => {
    const connection = await createDatabase();
    const { files } = await importInto(connection, { files: shippedCatalogs().slice(0, 1), dryRun: true });
    expect([files[0]!.changes!.inserted.length, files[0]!.inserted > 4500]).toEqual([1000, true]);
  });
});

it('names the value in which a row that is given twice differs', async () => {
  const bad = await file('a.csv', row('A', '90', '50', 'x'), row('A', '90.0', '50', 'y'), row('A', '90', '50', 'x'));
  const error = await failureOf(importInto(await createDatabase(), { files: [bad] }));
  expect(error.details).toEqual([
    'a.csv:3: designation "A": the same row stands on line 2, with another note: x there, y here',
    'a.csv:4: designation "A": the same row stands on line 2, with the same values',
  ]);
});
