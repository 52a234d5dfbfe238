import { beforeAll, describe, expect, it } from '@jest/globals';
import { shippedCatalogs, verifyCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { csv, fileWith, importInto, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases(useServer());
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'variant', 'weight', 'note'];
const row = (name: string, weight: string, note = 'n') => ['Own', '1', 'US', name, 'shape', '', weight, note];
const CONSTANTS = ['name', 'version', 'value', 'unit', 'description', 'source', 'effective_from'];

describe('catalog verify', () => {
  let connection: ConnectionSettings;
  let own: string;
  let constants: string;
  const verify = async (file: string, complete = false) => {
    const result = await verifyCatalogs({ connection, files: [file], complete }, testContext());
    expect(result.equal).toBe(result.files[0]!.differences.length === 0);
    return result.files[0]!.differences;
  };
  const byHand = (statement: string) => sql(connection, (client) => client.query(statement));

  beforeAll(async () => {
    connection = await createDatabase();
    own = await fileWith(
      csv([HEADER, row('W1', '90'), row('W2', '80.50'), row('W3', '70', ''), row('W4', '60')]),
      'own.csv',
    );
    constants = await fileWith(
      csv([CONSTANTS, ['phi_test', '1', '0.90', '1', '', 'Own', '2026-01-01']]),
      'constants.csv',
    );
    await importInto(connection, { files: [own, constants, ...shippedCatalogs().slice(1)] });
  });

  it('finds what was imported equal, also under other numbers, encodings and line ends', async () => {
    expect(await verify(own, true)).toEqual([]);
    expect(await verify(constants)).toEqual([]);
    const other = csv([HEADER, row('W2', '80.5'), row('W1', '9.0e1')]).replaceAll('\n', '\r\n');
    expect(await verify(await fileWith(Buffer.from(`\ufeff${other}`, 'utf16le')))).toEqual([]);
    expect(await verify(shippedCatalogs()[1]!)).toEqual([]);
    expect(await verify(shippedCatalogs()[2]!)).toEqual([]);
  });

  it('names each row and value that was changed by hand since its import', async () => {
    await byHand(
      `update material_catalog set weight = 91, properties = '{"note": "x"}' where standard = 'Own' and designation = 'W1'`,
    );
    await byHand(`delete from material_catalog where standard = 'Own' and designation = 'W2'`);
    await byHand(`update material_catalog set retired_at = now() where standard = 'Own' and designation = 'W3'`);
    await byHand(`insert into material_catalog (standard, edition, unit_system, designation, kind)
      values ('Own', '1', 'US', 'W9', 'shape'), ('Else', '1', 'US', 'W9', 'shape')`);
    const since = { changedByHandSince: 1, importedBy: null };
    expect((await verify(own, true)).toSorted((a, b) => (a.row < b.row ? -1 : 1))).toEqual([
      {
        kind: 'differs',
        row: 'Own 1 US W1',
        values: [
          { name: 'weight', file: '90', database: '91' },
          { name: 'note', file: 'n', database: 'x' },
        ],
        ...since,
      },
      { kind: 'missing', row: 'Own 1 US W2', values: [], ...since },
      expect.objectContaining({ kind: 'retired', row: 'Own 1 US W3' }),
      expect.objectContaining({ kind: 'extra', row: 'Own 1 US W9' }),
    ]);
    expect(await verify(own)).toHaveLength(3);
    await byHand(`update calibration_constants set value = 0.95 where name = 'phi_test'`);
    expect(await verify(constants)).toEqual([
      {
        kind: 'differs',
        row: 'phi_test 1',
        values: [{ name: 'value', file: '0.9', database: '0.95' }],
        changedByHandSince: 2,
        importedBy: null,
      },
    ]);
  });

  it('names the later import that changed a value', async () => {
    const later = await fileWith(csv([HEADER, row('W4', '61')]), 'later.csv');
    await importInto(connection, { files: [later] });
    const difference = (await verify(own)).find((one) => one.row.endsWith('W4'))!;
    expect(difference).toMatchObject({
      changedByHandSince: null,
      values: [{ name: 'weight', file: '60', database: '61' }],
    });
    expect(difference.importedBy).toBeGreaterThan(1);
    const missing = await verify(await fileWith(csv([HEADER, row('W7', '1')])));
    expect(missing).toMatchObject([{ kind: 'missing', row: 'Own 1 US W7' }]);
  });

  it('refuses a file with bad rows, which it could not compare', async () => {
    const bad = await fileWith(csv([HEADER, row('W4', 'heavy')]));
    expect((await failureOf(verify(bad))).code).toBe('CATALOG_BAD_ROWS');
  });

  it('exits 4 on the command line with both values, and changes nothing', async () => {
    const { exitCode, json } = await structdb(['catalog', 'verify', own, '--json', '--url', urlOf(connection)]);
    expect([exitCode, json.error.code, json.result.equal]).toEqual([4, 'CATALOG_DIFFERS', false]);
    expect(json.result.files[0].differences).toHaveLength(4);
    const human = await structdb(['catalog', 'verify', own, '--url', urlOf(connection)]);
    expect(human.stdout).toMatch(
      /Own 1 US W1 \(changed by hand since import 1\)\n +weight: 90 in the file, 91 in the database/,
    );
    const grades = await structdb(['catalog', 'verify', shippedCatalogs()[1]!, '--url', urlOf(connection)]);
    expect([grades.exitCode, grades.stdout]).toEqual([
      0,
      expect.stringContaining('55 of 55 rows are as the file has them'),
    ]);
  });
});
