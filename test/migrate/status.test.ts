import { describe, expect, it } from '@jest/globals';
import { judgeStatus, plan, status } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('migrate status', () => {
  it('reads a virgin database without creating anything', async () => {
    const connection = await server.createDatabase();
    const result = await status({ connection }, testContext());
    expect(result.current).toBeNull();
    expect(result.pending).toHaveLength(6);
    expect(judgeStatus(result)).toMatchObject({ code: 'MIGRATIONS_PENDING', exitCode: 3 });
    const { rows } = await sql(connection, (client) => client.query(`select to_regnamespace('structdb') as made`));
    expect(rows).toEqual([{ made: null }]);
  });

  it('knows applied, edited, unknown and skipped migrations apart', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    expect(judgeStatus(await status({ connection }, testContext()))).toBeUndefined();
    await sql(connection, async (client) => {
      await client.query(`update structdb.migrations set checksum = repeat('0', 64) where name like '002%'`);
      await client.query(`delete from structdb.migrations where name like '003%'`);
      await client.query(`delete from structdb.kysely_migration where name like '004%'`);
      await client.query(`insert into structdb.kysely_migration values ('777_strange', '2026-01-01T00:00:00Z')`);
    });
    const result = await status({ connection }, testContext());
    expect(Object.fromEntries(result.migrations.map(({ name, state }) => [name, state]))).toEqual({
      '001_core_schema': 'applied',
      '002_enum_constraints': 'changed',
      // applied by a plain kysely: nothing is recorded that could differ
      '003_calibration_pricing': 'applied',
      '004_seed_data': 'out of order',
      '005_performance_monitoring': 'applied',
      '006_envelope_support': 'applied',
      '777_strange': 'unknown',
    });
    expect(judgeStatus(result)).toMatchObject({ code: 'MIGRATION_CHANGED', exitCode: 4 });
  });
});

describe('migrate plan', () => {
  it('gives the statements that are recorded when they are applied', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const { rows } = await sql(connection, (client) =>
      client.query('select name, checksum, sql from structdb.migrations order by name'),
    );
    expect(
      (await plan()).map(({ name, checksum, statements }) => ({
        name,
        checksum,
        sql: statements.map((text) => `${text};\n`).join(''),
      })),
    ).toEqual(rows);
  });

  it('has one statement per query, and no session that it does not leave as it was', async () => {
    for (const direction of ['up', 'down'] as const) {
      for (const { statements } of await plan({ direction })) {
        for (const text of statements) expect(text.replace(/\$\$[\s\S]*\$\$|'[^']*'/g, '')).not.toContain(';');
        const sets = statements.filter((text) => /^set lock_timeout/.test(text)).length;
        expect(statements.filter((text) => /^reset lock_timeout/.test(text))).toHaveLength(sets);
      }
    }
  });

  it('takes numbers for names, and refuses a name that does not exist', async () => {
    expect((await plan({ names: ['002', '006_envelope_support'] })).map(({ name }) => name)).toEqual([
      '002_enum_constraints',
      '006_envelope_support',
    ]);
    await expect(plan({ names: ['9'] })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
