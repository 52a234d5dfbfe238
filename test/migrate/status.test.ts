import { describe, expect, it } from '@jest/globals';
import { toolVersion } from '../../src/core/tool-version.ts';
import { judgeStatus, plan, status } from '../../src/migrate/index.ts';
import { registry } from '../../src/migrate/registry.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
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

  it('tells a role that may not read the books what would let it, which is not to own the database', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    const guest = { ...connection, ...(await server.createRole()) };
    const ask = () => status({ connection: guest }, testContext());
    const grant = `GRANT USAGE ON SCHEMA "structdb" TO "${guest.user}"`;
    const denied = await failureOf(ask());
    expect([denied.code, denied.hint]).toEqual(['PERMISSION_DENIED', expect.stringContaining(grant)]);
    await sql(connection, (client) => client.query(grant));
    expect((await failureOf(ask())).hint).toBe(
      `Run as the owner of kysely_migration, or let that one grant it to "${guest.user}".`,
    );
    await sql(connection, (client) =>
      client.query(`grant select on structdb.kysely_migration, structdb.migrations to "${guest.user}"`),
    );
    expect((await ask()).pending).toHaveLength(5);
  });

  it('knows applied, edited, missing and skipped migrations apart', async () => {
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
      '002_enum_constraints': 'edited',
      // applied by a plain kysely: nothing is recorded that could differ
      '003_calibration_pricing': 'applied',
      '004_seed_data': 'out of order',
      '005_performance_monitoring': 'applied',
      '006_envelope_support': 'applied',
      '777_strange': 'missing file',
    });
    expect(judgeStatus(result)).toMatchObject({
      code: 'MIGRATION_CHANGED',
      exitCode: 4,
      details: [
        '002_enum_constraints was edited after it was applied',
        '004_seed_data is not applied, although a later one is',
        '777_strange is applied, but not among the migrations',
      ],
    });
  });

  it('never takes a migration without a checksum for drift', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    await sql(connection, (client) => client.query('delete from structdb.migrations'));
    const result = await status({ connection }, testContext());
    expect(result.migrations.map(({ state, checksum }) => [state, checksum])).toEqual(Array(6).fill(['applied', null]));
    expect(judgeStatus(result)).toBeUndefined();
  });

  it('says of each migration what is known, by the same keys always, also whether there is a way back', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    await sql(connection, (client) =>
      client.query(`insert into structdb.kysely_migration values ('000_gone', '2026-01-01T00:00:00Z')`),
    );
    const two = { '001_core_schema': registry['001_core_schema']!, '002_one_way': { up: async () => {} } };
    const { migrations } = await status({ connection, registry: two }, testContext());
    expect(migrations).toEqual([
      {
        name: '000_gone',
        state: 'missing file',
        transactional: null,
        hasDown: null,
        appliedAt: '2026-01-01T00:00:00.000Z',
        appliedBy: null,
        durationMs: null,
        toolVersion: null,
        checksum: null,
      },
      {
        name: '001_core_schema',
        state: 'applied',
        transactional: true,
        hasDown: true,
        appliedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        appliedBy: connection.user,
        durationMs: expect.any(Number),
        toolVersion: toolVersion(),
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      {
        name: '002_one_way',
        state: 'pending',
        transactional: true,
        hasDown: false,
        appliedAt: null,
        appliedBy: null,
        durationMs: null,
        toolVersion: null,
        checksum: null,
      },
    ]);
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
