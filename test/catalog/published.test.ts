import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { failureOf } from '../support/failure.ts';
import { countsOf, importInto, PUBLISHED, rowsOf, useCatalogDatabases } from './support.ts';

const file = (name: string) => path.join(PUBLISHED, name);
const there = existsSync(file('aisc/v16.0-full.csv'));
if (!there) console.warn(`Skipped: the publishers' files are not part of the project and not in ${PUBLISHED}.`);

const createDatabase = useCatalogDatabases();

(there ? describe : describe.skip)("publishers' own files", () => {
  let connection: ConnectionSettings;

  beforeAll(async () => {
    connection = await createDatabase();
    await importInto(connection);
  });

  it('v16.0 as published is what ships: 4,598 unchanged', async () => {
    expect(countsOf(await importInto(connection, { files: [file('aisc/v16.0-full.csv')] }))).toEqual([
      0, 0, 4598, 0, 0,
    ]);
  });

  it('v16.0 from raw cells has the same numbers but for 14 that are displayed with fewer digits', async () => {
    const result = await importInto(connection, { files: [file('aisc/v16.0-full-raw-cells.csv')] });
    expect(countsOf(result)).toEqual([0, 13, 4585, 0, 0]);
    expect(await rowsOf(connection, `select iy::text from material_catalog where designation = 'W16X26'`)).toEqual([
      { iy: '9.59' },
    ]);
    expect(countsOf(await importInto(connection, { files: [file('aisc/v16.0-full.csv')] }))).toEqual([
      0, 13, 4585, 0, 0,
    ]);
  });

  it('v15.0 is an edition of its own, and its US halves agree with it', async () => {
    expect(countsOf(await importInto(connection, { files: [file('aisc/v15.0-full.csv')] }))).toEqual([
      4182, 0, 0, 0, 0,
    ]);
    const us = await importInto(connection, { files: [file('aisc/v15.0-us.csv')] });
    expect([us.files[0]!.whole, ...countsOf(us)]).toEqual([true, 0, 0, 2091, 0, 0]);
    const windows = await importInto(connection, { files: [file('aisc/v15.0-us-windows-1252.csv')] });
    // Its formatted cells have a digit less than the raw ones of the others in 10 rows: agreement.test.ts names them.
    expect(countsOf(windows)).toEqual([0, 10, 2081, 0, 0]);
    expect(countsOf(await importInto(connection, { files: [file('aisc/v16.0-full.csv')] }))).toEqual([
      0, 0, 4598, 0, 0,
    ]);
  });

  it('v14.1 has four fractions that no decimal equals: named, and the rest imported on request', async () => {
    const files = [file('aisc/v14.1-us-two-null-spellings.csv')];
    const error = await failureOf(importInto(connection, { files }));
    expect(error.details[0]).toBe(
      'v14.1-us-two-null-spellings.csv:333: k1 "91/97": a fraction without an exact decimal',
    );
    expect(countsOf(await importInto(connection, { files, skipBadRows: true }))).toEqual([1991, 0, 0, 0, 4]);
  });

  it('the A1085 supplement never touches v16.0, with which it shares names', async () => {
    const result = await importInto(connection, { files: [file('aisc/v16.0-a1085-supplement.csv')] });
    expect([result.files[0]!.whole, ...countsOf(result)]).toEqual([true, 650, 0, 0, 0, 0]);
    expect(result.files[0]!.editions).toMatchObject([{ standard: 'AISC', edition: 'v16.0', variant: 'A1085' }]);
    expect(countsOf(await importInto(connection, { files: [file('aisc/v16.0-full.csv')] }))).toEqual([
      0, 0, 4598, 0, 0,
    ]);
  });

  it('grades and references are those that ship, but for the wording of the sources', async () => {
    expect(countsOf(await importInto(connection, { files: [file('asce/code-references.csv')] }))).toEqual([
      0, 0, 172, 0, 0,
    ]);
    expect(countsOf(await importInto(connection, { files: [file('astm/grades.csv')] }))).toEqual([0, 55, 0, 0, 0]);
  });

  it('a table of something else is refused', async () => {
    const error = await failureOf(importInto(connection, { files: [file('asce/asce7-16-load-combinations.csv')] }));
    expect(error.code).toBe('CATALOG_UNKNOWN');
  });
});
