import { beforeAll, describe, expect, it } from '@jest/globals';
import { listCatalogs, listImports, searchCatalog, shippedCatalogs, showDesignation } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { toolVersion } from '../../src/core/tool-version.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, useServer } from '../support/postgres.ts';
import { csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const server = useServer();
const createDatabase = useCatalogDatabases(server);
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'shape_type', 'weight', 'fy', 'note'];
const row = (edition: string, name: string, weight: string, note = 'n') => [
  ...['Own', edition, 'US', name, 'shape', 'W', weight, '50', note],
];
const changes = `select key[4] as name, action, columns, old from structdb.catalog_changes
  where table_name = 'public.material_catalog' order by import_id, name`;

describe('the origin of a value', () => {
  let connection: ConnectionSettings;
  const origins = async (designation: string) => {
    const { rows, imports } = await showDesignation({ connection, designation }, testContext());
    const { shape_type: _, ...own } = { shape_type: null, ...rows[0]!.origins };
    return { own, files: imports.map(({ id, file }) => [id, file.replace(/.*\//, '')]) };
  };
  const load = async (name: string, ...rows: readonly (readonly string[])[]) =>
    importInto(connection, { files: [await fileWith(csv([...rows]), name)] });

  beforeAll(async () => {
    connection = await createDatabase();
    await load('first.csv', HEADER, row('1', 'W1', '90'), row('1', 'W2', '80'));
  });

  it('is the import that founded its group, noted once for all rows', async () => {
    expect(await rowsOf(connection, changes)).toEqual([]);
    expect(await origins('W1')).toEqual({ own: { weight: 1, fy: 1, note: 1 }, files: [[1, 'first.csv']] });
  });

  it('is that of each column where a later file updates one, and what it held is kept', async () => {
    const narrow = HEADER.slice(0, 7);
    await load('second.csv', narrow, row('1', 'W1', '91').slice(0, 7), row('1', 'W3', '70').slice(0, 7));
    await load('third.csv', HEADER, row('1', 'W1', '91', 'm'), row('1', 'W2', '80'));
    expect((await origins('W1')).own).toEqual({ weight: 2, fy: 1, note: 3 });
    expect((await origins('W2')).own).toEqual({ weight: 1, fy: 1, note: 1 });
    expect(await origins('W3')).toEqual({ own: { weight: 2 }, files: [[2, 'second.csv']] });
    expect(await rowsOf(connection, changes)).toEqual([
      { name: 'W1', action: 'updated', columns: ['weight'], old: { weight: 90 } },
      { name: 'W3', action: 'inserted', columns: null, old: null },
      { name: 'W1', action: 'updated', columns: ['note'], old: { note: 'n' } },
    ]);
  });

  it('is one note again for a further group beside others, and none for a row that was put there by hand', async () => {
    await load('other.csv', HEADER, row('2', 'X1', '10'), row('2', 'X2', '20'));
    expect(await rowsOf(connection, changes)).toHaveLength(3);
    expect(await origins('X1')).toMatchObject({ own: { weight: 4 }, files: [[4, 'other.csv']] });
    const insert = `insert into material_catalog (standard, edition, unit_system, designation, kind, weight)
      values ('By hand', '1', 'US', 'Y1', 'shape', 5)`;
    await sql(connection, (client) => client.query(insert));
    expect(await origins('Y1')).toEqual({ own: { weight: null }, files: [] });
    expect((await origins('A992')).own).toMatchObject({ fy: 'migration 004_seed_data' });
  });

  it('is noted for retired rows, for those that return, and for constants', async () => {
    const file = await fileWith(csv([HEADER, row('2', 'X1', '10')]));
    await importInto(connection, { files: [file], complete: true, retireAbove5Percent: true });
    await load('back.csv', HEADER, row('2', 'X2', '20'));
    expect((await rowsOf(connection, changes)).slice(3)).toMatchObject([
      { name: 'X2', action: 'retired', columns: ['retired_at'] },
      { name: 'X2', action: 'updated', columns: ['retired_at'] },
    ]);
    const header = ['name', 'version', 'value', 'unit', 'description', 'source', 'effective_from'];
    await load('constants.csv', header, ['phi_shear', '2027.1', '0.95', '1', '', 'Own', '2027-01-01']);
    const { versions, imports } = await showDesignation({ connection, designation: 'phi_shear' }, testContext());
    expect(versions.map(({ origin }) => origin)).toEqual(['migration 004_seed_data', imports[0]!.id]);
    expect(imports[0]!.file).toMatch(/constants\.csv$/);
  });

  it('is told to a reader who may not see the notes as not recorded', async () => {
    const guest = { ...connection, ...(await server.createRole()) };
    await sql(connection, (client) =>
      client.query(
        `grant select on material_catalog, code_references, calibration_constants, pricing_configs to "${guest.user}"`,
      ),
    );
    const { rows, imports } = await showDesignation({ connection: guest, designation: 'X1' }, testContext());
    expect([rows[0]!.origins.weight, imports]).toEqual([null, []]);
  });
});

describe('the history', () => {
  it('has file, hashes, format, encoding, who, when and with what, newest first', async () => {
    const connection = await createDatabase();
    const text = csv([HEADER, row('1', 'W1', '90')]);
    await importInto(connection, { files: [shippedCatalogs()[1]!] });
    await importInto(connection, { files: [await fileWith(text, 'own.csv')] });
    await importInto(connection, { files: [await fileWith(text.replace('90', '90.0').replaceAll('\n', '\r\n'))] });
    const { imports } = await listImports({ connection }, testContext());
    expect(imports.map(({ file }) => file.replace(/^\/.*\//, ''))).toEqual([
      'catalog.csv',
      'own.csv',
      'catalogs/astm-grades.csv',
    ]);
    const [again, first] = imports as [(typeof imports)[0], (typeof imports)[0]];
    expect(first).toMatchObject({
      by: connection.user,
      format: "structdb's own layout",
      encoding: 'utf-8',
      inserted: 1,
      toolVersion: toolVersion(),
      editions: [{ standard: 'Own', edition: '1', unitSystem: 'US', variant: '', rows: 1 }],
    });
    expect(Math.abs(Date.parse(first.at) - Date.now())).toBeLessThan(60_000);
    expect(again.sha256).not.toBe(first.sha256);
    expect(again.contentSha256).toBe(first.contentSha256);
    expect((await listImports({ connection, limit: 1 }, testContext())).imports).toEqual([again]);
  });

  it('is not empty but refused to a role that may not read it, with the grant; so is looking up, for each table', async () => {
    const connection = await createDatabase();
    const guest = { ...connection, ...(await server.createRole()) };
    expect((await listImports({ connection: guest }, testContext())).imports).toEqual([]);
    await importInto(connection, { files: [await fileWith(csv([HEADER, row('1', 'W1', '90')]))] });
    const grantFor = async (work: () => Promise<unknown>) => {
      const denied = await failureOf(work());
      expect(denied).toMatchObject({
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('" may not read the '),
      });
      await sql(connection, (client) => client.query(denied.hint!.replace('The owner runs: ', '')));
      return work();
    };
    await grantFor(() => searchCatalog({ connection: guest, filter: 'W' }, testContext()));
    expect(await grantFor(() => listCatalogs({ connection: guest }, testContext()))).toMatchObject({
      rows: expect.any(Number),
    });
    expect(await grantFor(() => listImports({ connection: guest }, testContext()))).toMatchObject({
      imports: [{ id: 1 }],
    });
  });

  it('of an older structdb gets the columns that it lacks, or its owner is told the statement', async () => {
    const connection = await createDatabase();
    const file = await fileWith(csv([HEADER, row('1', 'W1', '90')]));
    await importInto(connection, { files: [file] });
    await sql(connection, async (client) => {
      await client.query('alter table structdb.catalog_imports drop content_sha256, drop tool_version, drop encoding');
      await client.query('drop table structdb.catalog_changes, structdb.catalog_foundings');
    });
    expect((await listImports({ connection }, testContext())).imports[0]).toMatchObject({ id: 1, toolVersion: null });
    const guest = { ...connection, ...(await server.createRole()) };
    const denied = await failureOf(importInto(guest, { files: [file] }));
    expect(denied.hint).toContain('GRANT SELECT, INSERT, UPDATE ON structdb.catalog_imports');
    const grants = denied.hint!.replace('The owner runs: ', '');
    await sql(connection, (client) => client.query(grants));
    expect((await failureOf(importInto(guest, { files: [file] }))).hint).toBe(
      'Its owner runs: alter table structdb.catalog_imports add column if not exists content_sha256 text, add column if not exists encoding text, add column if not exists tool_version text;',
    );
    await importInto(connection, { files: [file] });
    expect((await listImports({ connection }, testContext())).imports).toMatchObject([
      { id: 2, toolVersion: toolVersion() },
      { id: 1, toolVersion: null },
    ]);
  });
});

describe('the books of an older structdb', () => {
  it('get the columns that they lack, each of them', async () => {
    const connection = await createDatabase();
    const file = await fileWith(csv([HEADER, row('1', 'W1', '90')]), 'first.csv');
    await importInto(connection, { files: [file] });
    for (const column of ['content_sha256', 'encoding', 'tool_version']) {
      await sql(connection, (client) => client.query(`alter table structdb.catalog_imports drop column ${column}`));
      await importInto(connection, { files: [file] });
    }
    const { imports } = await listImports({ connection }, testContext());
    expect(imports.map(({ contentSha256 }) => contentSha256 !== null)).toEqual([true, true, true, false]);
  });
});
