import { beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { sql, useServer } from '../support/postgres.ts';
import { fillProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
let owner: ConnectionSettings;

beforeAll(async () => {
  owner = await server.createOwnedDatabase();
  await migrateUp(owner);
  await sql(owner, (client) => fillProjects(client, 3));
});

/** The SQLSTATE and message of a refused statement; the transaction is undone either way. */
async function refusal(client: pg.Client, ...statements: string[]): Promise<string> {
  await client.query('begin');
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
    return 'accepted';
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  } finally {
    await client.query('rollback').catch(() => {});
  }
}

describe('the audit log and the payloads never change', () => {
  const changes = (table: string, id: string) => [
    [
      'UPDATE',
      `update ${table} set created_by = 'x'`.replace('created_by', table === 'project_events' ? 'actor' : 'created_by'),
    ],
    ['UPDATE', `update ${table} set project_id = project_id where false`],
    ['DELETE', `delete from ${table}`],
    ['TRUNCATE', `truncate ${table}`],
    ['TRUNCATE', 'truncate projects cascade'],
    [
      'UPDATE',
      `insert into ${table} overriding system value select * from ${table} on conflict (project_id, ${id}) do update set project_id = excluded.project_id`,
    ],
    [
      'UPDATE',
      `merge into ${table} t using projects p on t.project_id = p.project_id when matched then update set project_id = p.project_id`,
    ],
    ['DELETE', `merge into ${table} t using projects p on t.project_id = p.project_id when matched then delete`],
  ];

  for (const [table, id] of [
    ['project_events', 'event_id'],
    ['project_payloads', 'payload_id'],
  ] as const) {
    it(`${table}: every way to change or remove a row is refused with a clear message, for the owner too`, async () => {
      await sql(owner, async (client) => {
        for (const [operation, statement] of changes(table, id)) {
          expect(await refusal(client, statement!)).toMatch(
            new RegExp(
              `^23001 ${operation} is refused: rows of project_(events|payloads) are never changed or removed`,
            ),
          );
        }
      });
    });

    it(`${table}: also under session_replication_role = replica`, async () => {
      await sql({ ...server.superuser, database: owner.database }, async (client) => {
        await client.query('set session_replication_role = replica');
        for (const [operation, statement] of changes(table, id)) {
          expect(await refusal(client, statement!)).toMatch(new RegExp(`^23001 ${operation} is refused`));
        }
      });
    });
  }

  it('a role that was given everything by default privileges may insert and read, not change', async () => {
    const connection = await server.createOwnedDatabase();
    const app = await server.createRole();
    await sql(connection, (client) => client.query(`alter default privileges grant all on tables to "${app.user}"`));
    await migrateUp(connection);
    const { rows } = await sql(connection, (client) =>
      client.query(
        `select t.name, array(select p from unnest(array['SELECT','INSERT','UPDATE','DELETE','TRUNCATE']) p
           where has_table_privilege($1, t.name, p)) as may
         from unnest(array['project_events','project_payloads','projects']) as t(name)`,
        [app.user],
      ),
    );
    expect(rows).toEqual([
      { name: 'project_events', may: ['SELECT', 'INSERT'] },
      { name: 'project_payloads', may: ['SELECT', 'INSERT'] },
      { name: 'projects', may: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] },
    ]);
  });

  it('a project with history cannot be deleted, one without can', async () => {
    await sql(owner, async (client) => {
      expect(await refusal(client, 'delete from projects')).toMatch(/^23503 /);
      expect(
        await refusal(
          client,
          `insert into projects (project_id, account_id, name, created_by, updated_by)
             values ('00000000-0000-4000-8000-000000000001', gen_random_uuid(), 'Empty', 'a', 'a')`,
          `delete from projects where name = 'Empty'`,
        ),
      ).toBe('accepted');
    });
  });
});

describe('the version of a project', () => {
  it('grows by one on every update, whatever the statement says', async () => {
    await sql(owner, async (client) => {
      const { rows } = await client.query(
        `update projects set version = 99, updated_at = '2000-01-01', name = 'Renamed'
         where name = 'Project 1' returning version, updated_at > now() - interval '1 minute' as touched`,
      );
      expect(rows).toEqual([{ version: 2, touched: true }]);
    });
  });
});

describe('effective ranges', () => {
  const constant = (version: string, range: string) =>
    `insert into calibration_constants values ('k', '${version}', 1, '1', 'd', 's', ${range})`;

  it('of one name do not overlap, judged at commit: a successor closes its predecessor in one transaction', async () => {
    await sql(owner, async (client) => {
      await client.query(constant('1', `'[2026-01-01,)'`));
      expect(await refusal(client, constant('2', `'[2026-06-01,)'`))).toMatch(/^23P01 /);
      expect(
        await refusal(
          client,
          constant('2', `'[2026-06-01,)'`),
          `update calibration_constants set effective = '[2026-01-01,2026-06-01)' where name = 'k' and version = '1'`,
        ),
      ).toBe('accepted');
      expect(await refusal(client, constant('1', `'[2020-01-01,2020-02-01)'`))).toMatch(/^23505 /);
    });
  });

  it.each([`'empty'`, `'(,2026-01-01)'`, `daterange('-infinity', '2026-01-01')`])('%s is no range', async (range) => {
    await sql(owner, async (client) => {
      expect(await refusal(client, constant('9', range))).toMatch(/^23514 .*effective_check/);
    });
  });

  it('of prices follow the same rules, and a price is a number from zero', async () => {
    const price = (amount: string, range: string) =>
      `insert into pricing_configs values ('item', '${range}', ${amount}, 'USD', 'lb', '${range}')`;
    await sql(owner, async (client) => {
      expect(await refusal(client, price('0', '[2026-01-01,)'))).toBe('accepted');
      expect(await refusal(client, price('1', '[2027-01-01,)'))).toMatch(/^23P01 /);
      expect(await refusal(client, price('-0.01', '[2025-01-01,2025-02-01)'))).toMatch(/^23514 /);
      expect(await refusal(client, price(`'NaN'`, '[2025-01-01,2025-02-01)'))).toMatch(/^23514 /);
    });
  });
});

describe('the envelope', () => {
  const payload = (hash: string, confidence = '0.5', release = `'2026.1'`) =>
    `insert into project_payloads (project_id, version, module, payload, created_by, content_sha256, confidence, constants_version)
     select project_id, 7, 'm', '{}', 'a', ${hash}, ${confidence}, ${release} from projects limit 1`;
  const good = `repeat('0f', 32)`;

  it.each([
    ['null', '0.5', `'2026.1'`, /^23514 .*content_sha256_required/],
    [`upper(repeat('0f', 32))`, '0.5', `'2026.1'`, /^23514 .*content_sha256_check/],
    [`'0f'`, '0.5', `'2026.1'`, /^23514 .*content_sha256_check/],
    [good, '1.01', `'2026.1'`, /^23514 .*confidence_check/],
    [good, '-0.01', `'2026.1'`, /^23514 .*confidence_check/],
    [good, `'NaN'`, `'2026.1'`, /^23514 .*confidence_check/],
    [good, '0.5', `'1999.1'`, /^23503 project_payloads names the release '1999.1'/],
  ])('refuses hash %s, confidence %s, release %s', async (hash, confidence, release, expected) => {
    await sql(owner, async (client) => {
      expect(await refusal(client, payload(hash, confidence, release))).toMatch(expected);
    });
  });

  it('lets a release and its first user come in one transaction, in any order', async () => {
    await sql(owner, async (client) => {
      expect(
        await refusal(
          client,
          `update projects set constants_version = '2030.1' where name = 'Project 2'`,
          `insert into calibration_constants values ('first', '2030.1', 1, '1', 'd', 's', '[2030-01-01,)')`,
        ),
      ).toBe('accepted');
    });
  });

  it('stores no two payloads of one version of a project', async () => {
    await sql(owner, async (client) => {
      expect(await refusal(client, payload(good))).toBe('accepted');
      expect(await refusal(client, payload(good))).toMatch(/^23505 /);
    });
  });
});

describe('material_catalog', () => {
  it.each([
    ["'W14x90', 'US', 1", 'designation_check'],
    ["'W14X90', 'us', 1", 'unit_system_check'],
    ["'W14X90', 'US', 0", 'numbers_check'],
    ["'W14X90', 'US', 'NaN'", 'numbers_check'],
    ["'W14X90', 'US', 'Infinity'", 'numbers_check'],
  ])('refuses %s', async (values, constraint) => {
    await sql(owner, async (client) => {
      expect(
        await refusal(
          client,
          `insert into material_catalog (standard, edition, kind, designation, unit_system, weight) values ('T', '1', 'shape', ${values})`,
        ),
      ).toMatch(new RegExp(`^23514 .*${constraint}`));
    });
  });
});
