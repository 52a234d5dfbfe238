import { describe, expect, it } from '@jest/globals';
import { judgeLint, lint } from '../../src/migrate/index.ts';
import { LINT_RULES } from '../../src/migrate/lint/lint-rules.ts';
import { type RegisteredMigration, registry } from '../../src/migrate/registry.ts';
import { testContext } from '../support/context.ts';
import { statements } from '../support/migrations.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

/** `statement rule level` of each finding of one migration. */
async function found(
  migration: RegisteredMigration,
  options: { readonly lockTimeoutMs?: number } = {},
): Promise<string[]> {
  const { findings } = await lint({ registry: { '1_one': migration }, ...options }, testContext());
  return findings.map(({ statement, rule, level }) => `${statement} ${rule} ${level}`);
}

/** Only what structdb's own rules find. */
async function ownFound(...of: Parameters<typeof found>): Promise<string[]> {
  return (await found(...of)).filter((text) => text.split(' ')[1]! in LINT_RULES);
}

const down = 'select 1';

describe('migrate lint', () => {
  it('finds nothing in the migrations that ship, and each exception has a reason', async () => {
    const result = await lint({}, testContext());
    expect(result.findings).toEqual([]);
    expect(judgeLint(result)).toBeUndefined();
    expect(result.migrations).toHaveLength(6);
    for (const { reason } of result.suppressed) expect(reason.length).toBeGreaterThan(20);
  });

  it('missing-down: no way back, and no word why', async () => {
    expect(await ownFound(statements('select 1'))).toEqual(['null missing-down error']);
    expect(await ownFound(statements('select 1', { irreversible: 'it only looks' }))).toEqual([]);
    expect(await ownFound(statements('select 1', { down }))).toEqual([]);
  });

  it.each([
    ['drop table app.t'],
    ['drop schema app cascade'],
    ['alter table app.t drop column c, drop column d'],
    ['truncate app.t'],
    ['delete from app.t'],
    ["alter type app.mood add value 'bad'"],
  ])('irreversible-change: %s', async (statement) => {
    const expected = statement.includes('column') ? 2 : 1;
    expect(await ownFound(statements(statement, { down }))).toEqual(
      new Array(expected).fill('1 irreversible-change error'),
    );
    expect(await ownFound(statements(statement, { down, irreversible: 'the rows are in the archive' }))).toEqual([]);
  });

  it('irreversible-change: not of what the migration has made itself', async () => {
    const texts = ['create table public.t (a int, b int)', 'alter table t drop column b', 'drop table t'];
    expect(await ownFound(statements(texts, { down }))).toEqual([]);
    expect(await ownFound(statements("alter type app.mood rename value 'a' to 'b'", { down }))).toEqual([]);
  });

  it('missing-lock-timeout: neither by default, nor by config, nor after SET', async () => {
    const alter = 'alter table app.t add column c int';
    const build = 'create index concurrently i on app.t (c)';
    const error = (statement: number) => [`${statement} missing-lock-timeout error`];
    expect(await ownFound(statements(alter, { down }))).toEqual([]);
    expect(await ownFound(statements(alter, { down }), { lockTimeoutMs: 0 })).toEqual(error(1));
    expect(await ownFound(statements(alter, { down, lockTimeout: '0' }))).toEqual(error(1));
    expect(await ownFound(statements(alter, { down, lockTimeout: '2s' }), { lockTimeoutMs: 0 })).toEqual([]);
    expect(await ownFound(statements(build, { down, transaction: false }), { lockTimeoutMs: 0 })).toEqual([]);
    expect(await ownFound(statements(['set lock_timeout = 0', alter], { down }))).toEqual(error(2));
    expect(
      await ownFound(statements(["set local lock_timeout = '3s'", alter], { down }), { lockTimeoutMs: 0 }),
    ).toEqual([]);
    const around = ['set lock_timeout = 0', build, 'reset lock_timeout', alter];
    expect(await ownFound(statements(around, { down, transaction: false }))).toEqual([]);
  });

  it('enum-value-used-at-once: in the transaction that adds it', async () => {
    const add = "alter type app.mood add value 'it''s new'";
    const use = "update app.t set mood = 'it''s new' where id = 1";
    const marked = { down, irreversible: 'an enum only grows' };
    expect(await ownFound(statements([add, use], marked))).toContain('2 enum-value-used-at-once error');
    expect(await ownFound(statements([add, `do $$ begin ${use}; end $$`], marked))).toContain(
      '2 enum-value-used-at-once error',
    );
    expect(await ownFound(statements([add, use], { ...marked, transaction: false }))).toEqual([]);
    const next = "alter type app.mood add value 'newer' after 'it''s new'";
    expect(await ownFound(statements([add, next], marked))).toEqual([]);
    const made = "create type app.mood as enum ('old')";
    expect(await ownFound(statements([made, add, use], marked))).not.toContain('3 enum-value-used-at-once error');
  });

  it('enum-value-used-at-once: PostgreSQL does refuse it', async () => {
    const connection = await server.createDatabase();
    await sql(connection, async (client) => {
      await client.query("create type mood as enum ('old'); create table t (mood mood)");
      await client.query("begin; alter type mood add value 'new'");
      await expect(client.query("insert into t values ('new')")).rejects.toMatchObject({ code: '55P04' });
    });
  });

  it('data-and-schema-change: an error where others wait meanwhile, a warning otherwise', async () => {
    const write = 'update app.t set c = 1';
    expect(await ownFound(statements(['alter table app.t add column c int', write, write], { down }))).toEqual([
      '2 data-and-schema-change error',
    ]);
    expect(await ownFound(statements(['create table app.u (a int)', write], { down }))).toEqual([
      '2 data-and-schema-change warning',
    ]);
    expect(
      await ownFound(statements(['create table app.u (a int)', 'insert into app.u values (1)'], { down })),
    ).toEqual([]);
    expect(
      await ownFound(statements(['alter table app.t add column c int', write], { down, transaction: false })),
    ).toEqual([]);
    expect(await ownFound(statements([write, write], { down }))).toEqual([]);
  });

  it('unreadable-statement: what PostgreSQL would not understand', async () => {
    expect(await ownFound(statements('alter tabel t', { down }))).toEqual(['1 unreadable-statement error']);
  });

  it("squawk's rules, at the right statement, also after a comment, and not by its own comments", async () => {
    const texts = [
      'select 1 -- the end',
      'alter table app.t\n  -- squawk-ignore constraint-missing-not-valid\n  add constraint c check (a > 0)',
      'select 2',
      'create index i on app.t (a)',
    ];
    expect(await found(statements(texts, { down }))).toEqual([
      '2 constraint-missing-not-valid error',
      '4 require-concurrent-index-creation warning',
    ]);
  });

  it('ignores what the file says, with a reason only', async () => {
    const texts = ['create index i on app.t (a)'];
    const rule = 'require-concurrent-index-creation';
    expect(await found({ ...statements(texts, { down }), lint: { [rule]: 'the table has ten rows' } })).toEqual([]);
    expect(await found({ ...statements(texts, { down }), lint: { [rule]: ' ' } })).toEqual([
      `1 ${rule} warning`,
      'null suppression-without-reason error',
    ]);
    expect(await found({ ...statements('select 1', { down }), lint: { [rule]: 'no longer' } })).toEqual([
      'null unused-suppression warning',
    ]);
    const source = (comment: string) => ({
      source: { file: '1_one.sql', text: `-- migrate:up\n${comment}\n${texts[0]}` },
    });
    const file = (comment: string) => ({ ...statements(texts, { down }), ...source(comment) });
    expect(await found(file(`-- structdb-lint-ignore ${rule}: ten rows`))).toEqual([]);
    expect(await found(file(`-- structdb-lint-ignore ${rule}`))).toContain('null suppression-without-reason error');
    expect(await found(file('-- structdb-lint-ignore'))).toContain('null suppression-without-reason error');
  });

  it('knows which tables are large in the database, and looks only at what is pending there', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    await sql(connection, async (client) => {
      await client.query(`insert into projects (account_id, name, created_by, updated_by)
        select gen_random_uuid(), 'n', 'a', 'a' from generate_series(1, 600)`);
      await client.query('analyze projects');
    });
    const migrations = {
      ...registry,
      '007_large': statements(
        [
          'create index on projects (name)',
          'alter table public.projects alter column site_name set not null',
          'create index on project_events (data)',
        ],
        { down },
      ),
    };
    const levels = async (largeRows: number) => {
      const result = await lint({ connection, registry: migrations, largeRows }, testContext());
      expect(result.migrations).toEqual(['007_large']);
      return result.findings
        .filter(({ rule }) => rule in LINT_RULES)
        .map(({ statement, rule, level }) => `${statement} ${rule} ${level}`);
    };
    expect(await levels(500)).toEqual(['1 index-not-concurrent error', '2 long-lock-on-large-table error']);
    expect(await levels(601)).toEqual([]);
  });
});
