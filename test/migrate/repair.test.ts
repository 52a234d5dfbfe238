import { describe, expect, it } from '@jest/globals';
import { sql as statement } from 'kysely';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { judgeStatus, repair, status } from '../../src/migrate/index.ts';
import { type RegisteredMigration, type Registry, registry } from '../../src/migrate/registry.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

function migration(text: string): RegisteredMigration {
  return { up: async (db) => void (await statement.raw(text).execute(db)) };
}

/** The shipped migrations, 002 edited after the fact, and one more that is pending. */
const edited: Registry = {
  ...registry,
  '002_enum_constraints': migration('select 2'),
  '777_later': migration('select 777'),
};

async function records(connection: ConnectionSettings) {
  const { rows } = await sql(connection, (client) =>
    client.query(`select name, checksum, encode(sha256(convert_to(sql, 'UTF8')), 'hex') as hash,
      (applied_at, applied_by, duration_ms, tool_version)::text as rest from structdb.migrations order by name`),
  );
  return rows as { name: string; checksum: string; hash: string; rest: string }[];
}

describe('migrate repair', () => {
  it('records the SQL and checksum of now for the named migration, and nothing else', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const before = await records(connection);
    expect(judgeStatus(await status({ connection, registry: edited }, testContext()))).toMatchObject({
      hint: 'After a deliberate edit: structdb migrate repair 002_enum_constraints',
    });
    const dry = await repair({ connection, registry: edited, migrations: 'all', dryRun: true }, testContext());
    expect(await records(connection)).toEqual(before);
    const done = await repair({ connection, registry: edited, migrations: ['002'] }, testContext());
    expect(done).toEqual({ ...dry, dryRun: false, unchanged: [] });
    expect(done.repaired).toEqual([
      {
        name: '002_enum_constraints',
        recorded: before[1]!.checksum,
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
        line: 1,
        before: expect.any(String),
        after: 'select 2;',
      },
    ]);
    const after = await records(connection);
    expect(after).toEqual(before.map((row, index) => (index === 1 ? { ...after[1]!, rest: row.rest } : row)));
    for (const { checksum, hash } of after) expect(checksum).toBe(hash);
    expect(judgeStatus(await status({ connection, registry: edited }, testContext()))?.code).toBe('MIGRATIONS_PENDING');
  });

  it('records nothing for a pending migration, nor for one that another tool applied', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 3);
    await sql(connection, (client) => client.query(`delete from structdb.migrations where name like '002%'`));
    await expect(repair({ connection, migrations: ['005'] }, testContext())).rejects.toMatchObject({ code: 'USAGE' });
    await expect(repair({ connection, migrations: ['9'] }, testContext())).rejects.toMatchObject({ code: 'USAGE' });
    expect(await repair({ connection, registry: edited, migrations: 'all' }, testContext())).toMatchObject({
      repaired: [],
      unchanged: ['001_core_schema', '003_calibration_pricing'],
      withoutChecksum: ['002_enum_constraints'],
    });
    expect(await records(connection)).toHaveLength(2);
  });

  it('does not write while a run is at work', async () => {
    const connection = await server.createOwnedDatabase();
    await sql(connection, async (client) => {
      await client.query('select pg_advisory_lock(3853314791062309107)');
      await expect(repair({ connection, migrations: 'all', lockWaitMs: 0 }, testContext())).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 5,
      });
    });
  });

  it('on the command line names what it changes, wants --yes without a terminal, and a choice', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const url = urlOf(connection);
    const [, before] = await records(connection);
    await sql(connection, (client) =>
      client.query(
        `update structdb.migrations set checksum = repeat('0', 64), sql = 'select 1;\n' where name like '002%'`,
      ),
    );
    const refused = await structdb(['migrate', 'repair', '--all', '--url', url]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('Record 002_enum_constraints in database');
    expect(refused.stderr).toContain('002_enum_constraints: checksum 000000000000 becomes');
    const dry = await structdb(['migrate', 'repair', '002', '--dry-run', '--json', '--url', url]);
    expect(dry.json).toMatchObject({
      ok: true,
      result: { dryRun: true, repaired: [{ name: '002_enum_constraints' }] },
    });
    expect((await records(connection))[1]!.checksum).toBe('0'.repeat(64));
    const done = await structdb(['migrate', 'repair', '002', '--yes', '--url', url]);
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toMatch(
      /^✓ 002_enum_constraints: checksum 000000000000 becomes \w{12}; line 1: "select 1;" becomes ".*\nCorrected 1 record\.\n$/,
    );
    expect((await records(connection))[1]).toEqual(before);
    const again = await structdb(['migrate', 'repair', '--all', '--url', url]);
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/Nothing to repair\.\n$/) });
    for (const args of [[], ['002', '--all']]) {
      expect((await structdb(['migrate', 'repair', ...args, '--url', url])).exitCode).toBe(2);
    }
  });
});
