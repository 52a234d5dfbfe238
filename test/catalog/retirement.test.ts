import { beforeAll, describe, expect, it } from '@jest/globals';
import type { RetirementGroup } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { structdb } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases(useServer());
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'variant', 'weight'];
const shapes = (system: string, variant: string, count: number, weight = '90') =>
  Array.from({ length: count }, (_, at) => ['Own', '1', system, `W${at}`, 'shape', variant, weight]);
const file = (...groups: readonly (readonly string[][])[]) => fileWith(csv([HEADER, ...groups.flat()]), 'own.csv');

describe('an import of a whole table that lacks stored rows', () => {
  let connection: ConnectionSettings;
  const inUse = async () => {
    const [row] = await rowsOf<{ count: number; most: string }>(
      connection,
      `select count(*)::int as count, max(weight)::text as most from material_catalog where standard = 'Own' and retired_at is null`,
    );
    return [row!.count, row!.most];
  };

  beforeAll(async () => {
    connection = await createDatabase();
    await importInto(connection, {
      files: [await file(shapes('US', '', 40), shapes('SI', '', 40), shapes('US', 'B', 10))],
    });
  });

  it('retires up to 5 % of each without asking, and only within the groups that it holds', async () => {
    const result = await importInto(connection, { files: [await file(shapes('US', '', 38))], complete: true });
    expect(countsOf(result)).toEqual([0, 0, 38, 2, 0]);
    const group = { standard: 'Own', edition: '1', unitSystem: 'US', variant: '' };
    expect(result.files[0]!.retirement).toEqual([{ ...group, inUse: 40, retired: 2, asks: false }]);
    expect(await inUse()).toEqual([88, '90']);
  });

  it('asks above 5 % of one group before anything is committed, and a no leaves everything as it was', async () => {
    const less = await file(shapes('US', '', 30, '91'), shapes('SI', '', 40, '91'));
    const asked: (readonly RetirementGroup[])[] = [];
    const options = { files: [less], complete: true };
    const answer = (yes: boolean) => ({
      ...options,
      confirmRetirement: async (groups: readonly RetirementGroup[]) => {
        asked.push(groups);
        return yes;
      },
    });
    const nobody = await failureOf(importInto(connection, options));
    expect([nobody.code, nobody.exitCode, nobody.details]).toEqual([
      'CONFIRMATION_NEEDED',
      2,
      ['Own 1 US: 8 of 38 rows (21.1 %)'],
    ]);
    expect((await failureOf(importInto(connection, answer(false)))).code).toBe('INTERRUPTED');
    expect(await inUse()).toEqual([88, '90']);
    const preview = await importInto(connection, { ...options, dryRun: true });
    const result = await importInto(connection, answer(true));
    expect(countsOf(preview)).toEqual(countsOf(result));
    expect(preview.files[0]!.retirement).toEqual(result.files[0]!.retirement);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatchObject([{ unitSystem: 'US', variant: '', inUse: 38, retired: 8, asks: true }]);
    expect(await inUse()).toEqual([80, '91']);
  });

  it('is refused on the command line without a terminal, unless --yes is given', async () => {
    const less = await file(shapes('US', 'B', 9));
    const words = ['catalog', 'import', less, '--complete', '--url', urlOf(connection)];
    const refused = await structdb(words);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('Own 1 US B: 1 of 10 rows (10.0 %)');
    expect(refused.stderr).toContain('--yes');
    const preview = await structdb([...words, '--dry-run']);
    expect(preview.stdout).toContain(
      'retired of Own 1 US B: 1 of 10 rows (10.0 %): more than 5 %, an import would ask',
    );
    const done = await structdb([...words, '--yes']);
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('1 retired')]);
  });

  it('brings rows back that a file has again', async () => {
    const all = await importInto(connection, {
      files: [await file(shapes('US', '', 40, '91'), shapes('US', 'B', 10))],
    });
    expect(countsOf(all)).toEqual([0, 11, 39, 0, 0]);
  });
});
