import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { listCatalogs, showDesignation } from '../../src/catalog/index.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import type { VersionContent } from '../../src/catalog/readers/versions.ts';
import { isIsoDate } from '../../src/catalog/reading/iso-date.ts';
import { readVersions } from '../../src/catalog/version-file.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, useServer } from '../support/postgres.ts';
import { countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const server = useServer();
const createDatabase = useCatalogDatabases(server);

const CONSTANTS = ['name', 'version', 'value', 'unit', 'description', 'source', 'effective_from', 'effective_to'];
const PRICES = ['item_code', 'version', 'unit_price', 'currency', 'unit', 'effective_from'];
const constant = (name: string, version: string, value: string, from: string, to = '') => [
  ...[name, version, value, 'ksi', 'Of tests', 'Own tests', from, to],
];
const constants = (...rows: readonly (readonly string[])[]) => fileWith(csv([CONSTANTS, ...rows]), 'constants.csv');

describe('a file', () => {
  const problemsOf = (header: readonly string[], ...rows: readonly (readonly string[])[]) => {
    const content = readCatalog(Buffer.from(csv([header, ...rows])), 'x.csv', {}) as VersionContent;
    return readVersions(content).problems.map(({ line, column, reason }) => `${line} ${column}: ${reason}`);
  };

  it('of constants may hold negative and exact values, and every bad cell of it is named', () => {
    expect(problemsOf(CONSTANTS, constant('shift', '1', '-0.000000000000000001', '2026-01-01', '2026-01-02'))).toEqual(
      [],
    );
    expect(
      problemsOf(
        CONSTANTS,
        constant('', '1', 'x', '2026-02-30'),
        constant('phi', '1', '1', '2026-01-02', '2026-01-02'),
        ['phi', '1', '1', '', '', '', '1.1.2026', '2026-13-01'],
        ['phi', '1', '1'],
      ),
    ).toEqual([
      '2 name: must not be empty',
      '2 value: not a number',
      '2 effective_from: not a day of the calendar written as 2026-12-31',
      '3 effective_to: not after 2026-01-02: it is the first day on which the version is no longer in force',
      '4 unit: must not be empty',
      '4 source: must not be empty',
      '4 effective_from: not a day of the calendar written as 2026-12-31',
      '4 effective_to: not a day of the calendar written as 2026-12-31',
      expect.stringContaining('5 value: the row ends after 3 of 8 cells'),
    ]);
  });

  it.each([
    ['-1', 'USD', 'unit_price: negative; no price is'],
    ['1.955', 'USD', 'unit_price: has more than two decimals'],
    ['10000000000', 'USD', 'unit_price: more than 9999999999.99'],
    ['1', 'usd', 'currency: not a currency code'],
  ])('of prices is refused for %s %s', (price, currency, reason) => {
    expect(problemsOf(PRICES, ['A992', '1', price, currency, 'lb', '2026-01-01'])).toEqual([
      expect.stringContaining(`2 ${reason}`),
    ]);
    expect(problemsOf(PRICES, ['A992', '1', '1.950', 'USD', 'lb', '2026-01-01'])).toEqual([]);
  });

  it('without a column of its format, or with one of none, is refused', () => {
    const header = CONSTANTS.filter((name) => name !== 'source');
    expect(() => problemsOf(header)).toThrow(/has a header and no rows/);
    expect(() => problemsOf(header, ['a', '1', '1', 'ksi', '', '2026-01-01', ''])).toThrow(/it has no column source/);
    expect(() => problemsOf([...PRICES, 'discount'], ['a', '1', '1', 'USD', 'lb', '2026-01-01', '5'])).toThrow(
      /looks like prices, but column 7 "discount"/,
    );
  });

  it('has days of the calendar only', () => {
    expect(['2024-02-29', '0001-01-01', '9999-12-31'].every(isIsoDate)).toBe(true);
    expect(['2026-02-29', '2026-04-31', '2026-00-01', '0000-01-01', '2026-1-1', '+02026-01-01'].some(isIsoDate)).toBe(
      false,
    );
  });
});

describe('an import of constants and prices', () => {
  let connection: ConnectionSettings;
  const show = async (designation: string, asOf?: string) => {
    const options = { connection, designation, ...(asOf === undefined ? {} : { asOf }) };
    const { versions } = await showDesignation(options, testContext());
    return versions.map(({ version, value, effectiveTo }) => [version, value, effectiveTo]);
  };

  beforeAll(async () => {
    connection = await createDatabase();
  });

  it('closes the open range of the version before, says so, and the second time changes nothing', async () => {
    const file = await constants(
      constant('phi_test', '2027.1', '0.95', '2027-01-01'),
      constant('phi_shear', '2026.2', '0.85', '2026-07-01', '2027-01-01'),
      constant('phi_test', '2026.1', '0.9', '2026-01-01'),
    );
    const expected = [
      { name: 'phi_shear', version: '2026.1', at: '2026-07-01' },
      { name: 'phi_test', version: '2026.1', at: '2027-01-01' },
    ];
    const preview = await importInto(connection, { files: [file], dryRun: true });
    const first = await importInto(connection, { files: [file] });
    for (const result of [preview, first]) {
      expect(countsOf(result)).toEqual([3, 0, 0, 0, 0]);
      expect(result.files[0]!.closed!.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(expected);
      expect(result.files[0]!.editions.map(({ standard, edition, rows }) => [standard, edition, rows])).toEqual([
        ['calibration constants', '2026.1', 1],
        ['calibration constants', '2026.2', 1],
        ['calibration constants', '2027.1', 1],
      ]);
    }
    const second = await importInto(connection, { files: [file] });
    expect([countsOf(second), second.changed, second.files[0]!.closed]).toEqual([[0, 0, 3, 0, 0], false, []]);
    expect(await show('PHI_TEST')).toEqual([
      ['2026.1', '0.9', '2027-01-01'],
      ['2027.1', '0.95', null],
    ]);
    expect(await show('phi_test', '2026-12-31')).toEqual([['2026.1', '0.9', '2027-01-01']]);
    expect(await show('phi_test', '2027-01-01')).toEqual([['2027.1', '0.95', null]]);
  });

  it('with a conflict changes nothing, in every file of the run, and names both versions with their line', async () => {
    const before = await rowsOf(connection, 'select * from calibration_constants order by 1, 2');
    const good = await constants(constant('phi_new', '1', '1', '2026-01-01'));
    const bad = await constants(
      constant('phi_flexure', '2026.1', '0.95', '2026-01-01'),
      constant('phi_flexure', '2025.9', '0.95', '2025-01-01'),
    );
    const error = await failureOf(importInto(connection, { files: [good, bad] }));
    expect([error.code, error.exitCode]).toEqual(['CATALOG_VERSION_CONFLICT', 1]);
    expect(error.details).toEqual([
      expect.stringMatching(
        /^constants\.csv:2: value "0\.95": version 2026\.1 of phi_flexure has "0\.90" in the database; a released version is never changed/,
      ),
      'constants.csv:3: effective_from "2025-01-01": version 2025.9 of phi_flexure (from 2025-01-01) overlaps version 2026.1 (from 2026-01-01) in the database; give it effective_to 2026-01-01',
    ]);
    expect(await rowsOf(connection, 'select * from calibration_constants order by 1, 2')).toEqual(before);
    const skipped = await failureOf(importInto(connection, { files: [bad], skipBadRows: true }));
    expect(skipped.code).toBe('CATALOG_VERSION_CONFLICT');
  });

  it('takes prices with two decimals, and an end for a version that had none', async () => {
    const price = (...cells: readonly string[]) => fileWith(csv([PRICES, ['SHOP LABOR', ...cells]]), 'prices.csv');
    const result = await importInto(connection, {
      files: [await price('2026.2', '97.5', 'USD', 'hour', '2026-06-01')],
    });
    expect(result.files[0]).toMatchObject({
      format: 'prices',
      inserted: 1,
      closed: [{ name: 'SHOP LABOR', version: '2026.1', at: '2026-06-01' }],
    });
    const ending = csv([
      [...PRICES, 'effective_to'],
      ['SHOP LABOR', '2026.2', '97.50', 'USD', 'hour', '2026-06-01', '2026-09-01'],
    ]);
    expect(countsOf(await importInto(connection, { files: [await fileWith(ending)] }))).toEqual([0, 1, 0, 0, 0]);
    expect(await show('shop labor')).toEqual([
      ['2026.1', '95.00', '2026-06-01'],
      ['2026.2', '97.50', '2026-09-01'],
    ]);
    const none = await failureOf(show('SHOP LABOR', '2026-09-01'));
    expect([none.code, none.details]).toEqual([
      'CATALOG_NOT_FOUND',
      ['version 2026.1: 2026-01-01 to 2026-06-01', 'version 2026.2: 2026-06-01 to 2026-09-01'],
    ]);
  });

  it('is told by the constraint what somebody else wrote meanwhile', async () => {
    const file = await constants(constant('phi_race', '2', '1', '2026-02-01'));
    await sql(connection, async (other) => {
      await other.query(`begin; insert into calibration_constants (name, version, value, unit, description, source, effective)
        values ('phi_race', '1', 1, '1', '', 'other', '[2026-01-01,)')`);
      const running = failureOf(importInto(connection, { files: [file] }));
      const waits = `select from pg_locks where not granted and locktype = 'transactionid'`;
      while ((await other.query(waits)).rowCount === 0);
      await other.query('commit');
      const error = await running;
      expect([error.code, error.details]).toEqual([
        'CATALOG_VERSION_CONFLICT',
        [expect.stringMatching(/phi_race.*2026-02-01.*conflicts with existing key.*2026-01-01/)],
      ]);
    });
    expect(countsOf(await importInto(connection, { files: [file] }))).toEqual([1, 0, 0, 0, 0]);
  });

  it('names the grant that is missing', async () => {
    const guest = { ...connection, ...(await server.createRole()) };
    const tables =
      'material_catalog, code_references, structdb.catalog_imports, structdb.catalog_foundings, structdb.catalog_changes';
    await sql(connection, (client) =>
      client.query(
        `grant usage on schema structdb to "${guest.user}"; grant select, insert, update on ${tables} to "${guest.user}"`,
      ),
    );
    const error = await failureOf(
      importInto(guest, { files: [await constants(constant('a', '1', '1', '2026-01-01'))] }),
    );
    expect([error.code, error.hint]).toEqual([
      'PERMISSION_DENIED',
      `The owner runs: GRANT SELECT, INSERT, UPDATE ON public.calibration_constants TO "${guest.user}";`,
    ]);
  });

  it('leaves at most one version on any day, whatever is imported in whatever order', async () => {
    const range = fc.record({
      from: fc.integer({ min: 10, max: 28 }),
      length: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(range, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
        async (imports) => {
          run += 1;
          for (const [at, ranges] of imports.entries()) {
            const rows = ranges.map(({ from, length }, index) =>
              constant(
                `any_${run}`,
                `${at}.${index}`,
                '1',
                `2026-01-${from}`,
                length === null ? '' : `2026-02-0${length}`,
              ),
            );
            const error = await failureOf(importInto(connection, { files: [await constants(...rows)] })).catch(
              () => undefined,
            );
            // Refused by structdb's own rules, before the constraint has to.
            if (error) expect(error.message).toMatch(/contradicts? other versions/);
          }
          const counts = await rowsOf<{ most: number }>(
            connection,
            `select coalesce(max(versions), 0)::int as most from (select count(*) as versions from generate_series('2026-01-01'::date, '2026-03-01', '1 day') as day
            join calibration_constants c on c.effective @> day::date where name = $1 group by day) as days`,
            [`any_${run}`],
          );
          expect(counts[0]!.most).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('is shown by name as of a day, and shapes have no days', async () => {
    await importInto(connection);
    expect((await failureOf(show('phi_flexur'))).hint).toContain('phi_flexure');
    expect(await show('ASTM A992 50', '2026-03-01')).toEqual([['2026.1', '1.95', null]]);
    const { rows, versions } = await showDesignation({ connection, designation: 'ASTM A992 50' }, testContext());
    expect([rows.map(({ standard }) => standard), versions.map(({ kind }) => kind)]).toEqual([
      ['ASTM A992'],
      ['price'],
    ]);
    const shape = await failureOf(show('W14X90', '2026-03-01'));
    expect([shape.code, shape.hint]).toEqual(['USAGE', expect.stringContaining('--edition')]);
    expect((await failureOf(show('phi_flexure', '2026-02-30'))).code).toBe('USAGE');
  });

  it('is counted by release', async () => {
    const clock = { now: () => new Date('2026-12-01T00:00:00Z'), monotonicMs: () => 0 };
    const { releases } = await listCatalogs({ connection }, { ...testContext(), clock });
    expect(releases).toContainEqual({ kind: 'price', version: '2026.2', rows: 1, inForce: 0 });
    expect(releases.find(({ kind, version }) => kind === 'constant' && version === '2026.1')).toMatchObject({
      rows: 11,
    });
  });
});
