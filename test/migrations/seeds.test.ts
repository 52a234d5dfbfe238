import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { down, up } from '../../src/migrate/index.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

async function catalog(file: string): Promise<Record<string, string>[]> {
  return parse(await readFile(path.join(projectRoot, 'catalogs', file)), { columns: true });
}

async function countSeeds(connection: Parameters<typeof sql>[0]): Promise<Record<string, number>> {
  const { rows } = await sql(connection, (client) =>
    client.query(`select (select count(*)::int from code_references) as code_references,
      (select count(*)::int from material_catalog) as material_catalog,
      (select count(*)::int from calibration_constants) as calibration_constants,
      (select count(*)::int from pricing_configs) as pricing_configs`),
  );
  return rows[0] as Record<string, number>;
}

describe('004 seeds', () => {
  it('references and grades that are rows of catalogs/', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 4);
    const references = await catalog('code-references.csv');
    const grades = await catalog('astm-grades.csv');
    const seeded = await sql(connection, async (client) => ({
      references: (await client.query('select standard, edition, section, title, topic from code_references')).rows,
      grades: (await client.query('select * from material_catalog')).rows,
    }));
    expect(seeded.references.length).toBeGreaterThan(0);
    for (const row of seeded.references) expect(references).toContainEqual(expect.objectContaining(row));
    expect(seeded.grades.length).toBeGreaterThan(0);
    for (const { properties, ...row } of seeded.grades) {
      const key = { standard: row.standard, edition: row.edition, designation: row.designation, variant: row.variant };
      const grade = grades.find((other) => Object.entries(key).every(([name, value]) => other[name] === value))!;
      const { standard, edition, unit_system, designation, variant, kind, product_form, fy, fu, ...rest } = grade;
      const typed = { standard, edition, unit_system, designation, variant, kind, product_form, fy, fu };
      expect(row).toMatchObject(typed);
      const given = Object.entries(rest).filter(([, value]) => value !== '');
      expect(
        Object.entries(properties)
          .map(([name, value]) => [name, String(value)])
          .sort(),
      ).toEqual(given.sort());
    }
  });

  it('every constant names a reference that is there, and every price of steel a grade', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 4);
    const { rows } = await sql(connection, (client) =>
      client.query(`
        select c.name from calibration_constants c where not exists (
          select from code_references r where c.source = r.standard || '-' || r.edition || ' ' || r.section)
        union all
        select p.item_code from pricing_configs p where p.item_code like 'ASTM%' and not exists (
          select from material_catalog m where p.item_code = m.standard || ' ' || m.designation)`),
    );
    expect(rows).toEqual([]);
  });

  it('leave what is there: rows of the same key, and a constant that has a value on these days', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 3);
    await sql(connection, async (client) => {
      await client.query(`insert into code_references values ('AISC 360', '22', 'D2', 'Mine')`);
      await client.query(
        `insert into calibration_constants values ('phi_flexure', 'mine', 0.8, '1', 'd', 's', '[2020-01-01,)')`,
      );
    });
    await up({ connection, count: 1 }, testContext());
    const { rows } = await sql(connection, (client) =>
      client.query(`select (select title from code_references where section = 'D2') as title,
        array(select version from calibration_constants where name = 'phi_flexure') as versions`),
    );
    expect(rows).toEqual([{ title: 'Mine', versions: ['mine'] }]);
    await down({ connection }, testContext());
    expect(await countSeeds(connection)).toEqual({
      code_references: 1,
      material_catalog: 0,
      calibration_constants: 1,
      pricing_configs: 0,
    });
  });

  it('are taken back where unchanged and not referenced; what stays is told', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 4);
    await sql(connection, async (client) => {
      await client.query(`set datestyle = 'German'`);
      await client.query(`update code_references set topic = 'mine' where section = 'Chapter 26'`);
      await client.query(
        `insert into calibration_constants values ('mine', '1', 0.9, '1', 'd', 'AISC 360-22 D2', '[2026-01-01,)')`,
      );
      await client.query(`update pricing_configs set unit_price = 2.05 where item_code = 'ASTM A992 50'`);
    });
    const context = testContext();
    await down({ connection }, context);
    expect(await countSeeds(connection)).toEqual({
      code_references: 2,
      material_catalog: 1,
      calibration_constants: 1,
      pricing_configs: 1,
    });
    expect(context.events.filter(({ kind }) => kind === 'notice')).toMatchObject([
      {
        message:
          'left, because changed or referenced since: code_references: AISC 360 22 D2, ASCE/SEI 7 22 Chapter 26; material_catalog: ASTM A992 undated US 50 w-shapes; pricing_configs: ASTM A992 50 2026.1',
      },
    ]);
  });
});
