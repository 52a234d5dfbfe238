import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { loadMigrations, plan, type Registry, status, up } from '../../src/migrate/index.ts';
import { attemptUp } from '../../src/migrate/run/run.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, until, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

async function loaded(files: Readonly<Record<string, string>>): Promise<Registry> {
  return loadMigrations((await migrationFolder(files)).directory);
}

async function tablesOf(connection: ConnectionSettings): Promise<string[]> {
  const { rows } = await sql(connection, (client) =>
    client.query(`select tablename as name from pg_tables where schemaname = 'public' order by 1`),
  );
  return rows.map(({ name }) => name);
}

const typescript = (body: string) =>
  `import { sql } from 'kysely';\nexport async function up(db) {\n${body.replace(/^/gm, '  ')}\n}\n`;

const DEFERRED = `create table a (id int primary key);
create table b (a_id int references a deferrable initially deferred);`;

describe('a SQL file of many statements, which goes out ten at a time', () => {
  const many = Array.from({ length: 25 }, (_, index) => `create table t${index} (id int);`);

  it.each([3, 9, 10, 24, 25])('names the statement that fails behind %i others, and keeps nothing', async (at) => {
    const connection = await server.createOwnedDatabase();
    const lines = ['-- migrate:up', ...many.slice(0, at), "select 'ä🎉', 1/0;", ...many.slice(at)];
    const error = await failureOf(
      up({ connection, registry: await loaded({ '001.sql': lines.join('\n') }) }, testContext()),
    );
    expect(error.message).toMatch(
      new RegExp(
        `^Migration 001 \\(up\\) failed at statement ${at + 1} of 26, .*/001\\.sql:${at + 2}: division by zero`,
      ),
    );
    expect(await tablesOf(connection)).toEqual([]);
    lines[at + 1] = "select 'ä🎉', nope;";
    const other = await failureOf(
      up({ connection, registry: await loaded({ '001.sql': lines.join('\n') }) }, testContext()),
    );
    expect(other.message).toContain(`001.sql:${at + 2}:14: column "nope" does not exist`);
  });

  it('tells how far it is, and is recorded as it stands, whatever the server takes a backslash for', async () => {
    const connection = await server.createOwnedDatabase();
    await sql(connection, (client) =>
      client.query(`alter database "${connection.database}" set standard_conforming_strings = off`),
    );
    const text = `-- migrate:up\n${many.join('\n')}\ncomment on table t1 is E'back\\\\slash ''quoted''';\n`;
    const registry = await loaded({ "001_o'clock.sql": text });
    const context = testContext();
    await up({ connection, registry }, context);
    const told = context.events.flatMap((event) => (event.kind === 'progress' ? [event.done] : []));
    expect(told).toEqual([0, 10, 20]);
    const { rows } = await sql(connection, (client) => client.query('select name, sql from structdb.migrations'));
    expect(rows).toEqual([{ name: "001_o'clock", sql: text.replace('-- migrate:up\n', '') }]);
    expect(await tablesOf(connection)).toHaveLength(25);
  });

  it('stopped by Ctrl-C leaves nothing', async () => {
    const connection = await server.createOwnedDatabase();
    const text = `-- migrate:up\ncreate table early ();\nselect 'now', pg_sleep(60);\ncreate table late ();\n`;
    const stop = new AbortController();
    const registry = await loaded({ '001.sql': text });
    const run = failureOf(up({ connection, registry }, { ...testContext(), signal: stop.signal }));
    await until(
      connection,
      `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    );
    stop.abort();
    expect(await run).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(await tablesOf(connection)).toEqual([]);
  });
});

describe('a migration that is refused at its COMMIT', () => {
  it.each([
    ['002.sql', '-- migrate:up\ninsert into b values (7);\n'],
    ['002.ts', typescript('await sql`insert into b values (7)`.execute(db);')],
  ])('is named, with its file, detail and what stays: %s', async (name, text) => {
    const connection = await server.createOwnedDatabase();
    const registry = await loaded({ '001.sql': `-- migrate:up\n${DEFERRED}\n`, [name]: text });
    const error = await failureOf(up({ connection, registry }, testContext()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      details: ['detail: Key (a_id)=(7) is not present in table "a".'],
    });
    expect(error.message).toMatch(
      new RegExp(
        `^Migration 002 \\(up\\) failed at its COMMIT, .*/${name}: insert .* \\(SQLSTATE 23503\\)\\. Nothing of it was kept\\.$`,
      ),
    );
    expect((await status({ connection, registry }, testContext())).pending).toEqual(['002']);
  });
});

describe('a migration with a BEGIN of its own', () => {
  it.each([
    ['and no COMMIT is undone from there and not recorded', '', /, .*001\.sql: its BEGIN has no COMMIT\. /],
    [
      'is undone from there when it fails',
      'select 1/0;\ncommit;\n',
      / at statement 4 of 5, .*: division by zero .*\. /,
    ],
  ])('%s', async (_, rest, reason) => {
    const connection = await server.createOwnedDatabase();
    const text = `-- migrate:up transaction:false\ncreate table early ();\nbegin;\ncreate table late ();\n${rest}`;
    const registry = await loaded({ '001.sql': text, '002.sql': '-- migrate:up\ncreate table next ();\n' });
    const { reached, error } = await attemptUp({ connection, registry }, testContext());
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', message: expect.stringMatching(reason) });
    expect((error as Error).message).toContain('What was done before its BEGIN stays, nothing of what came behind it');
    expect([reached?.steps, reached?.pending]).toEqual([[], ['001', '002']]);
    expect(await tablesOf(connection)).toEqual(['early']);
  });

  it('and its COMMIT is applied', async () => {
    const connection = await server.createOwnedDatabase();
    const text = '-- migrate:up transaction:false\nbegin;\ncreate table early ();\ncommit;\n';
    expect((await up({ connection, registry: await loaded({ '001.sql': text }) }, testContext())).pending).toEqual([]);
    expect(await tablesOf(connection)).toEqual(['early']);
  });

  it.each(['commit', 'rollback and chain', 'create table b (); end'])(
    'is refused before anything runs where it is one transaction: %s',
    async (statement) => {
      const connection = await server.createOwnedDatabase();
      const body = `await sql\`create table a ()\`.execute(db);\nawait sql\`${statement}\`.execute(db);`;
      const registry = await loaded({
        '001.sql': '-- migrate:up\ncreate table early ();\n',
        '002.ts': typescript(body),
      });
      const error = await failureOf(up({ connection, registry }, testContext()));
      expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', exitCode: 2 });
      expect(error.message).toMatch(
        /002\.ts: its up sends (COMMIT|ROLLBACK|END), but the migration is one transaction\.$/,
      );
      expect(await tablesOf(connection)).toEqual([]);
    },
  );

  it('may go back to a savepoint, and have blocks', async () => {
    const connection = await server.createOwnedDatabase();
    const all = ['savepoint s', 'rollback to s', 'do $$ begin perform 1; end $$', 'create table a ()'];
    const body = all.map((statement) => `await sql.raw(${JSON.stringify(statement)}).execute(db);`).join('\n');
    await up({ connection, registry: await loaded({ '001.ts': typescript(body) }) }, testContext());
    expect(await tablesOf(connection)).toEqual(['a']);
  });
});

describe('a TypeScript migration', () => {
  it('that throws by itself is named with its line, and nothing of it is kept', async () => {
    const connection = await server.createOwnedDatabase();
    const body = [
      'const { rows } = await sql`select 1 as n`.execute(db);',
      'for (const { n } of rows) {',
      '  await sql`create table early ()`.execute(db);',
      "  throw new Error('there are no rooms');",
      '}',
    ];
    // The program, because a stack has the names of files otherwise in a test.
    const { directory } = await migrationFolder({ '001_räume.ts': typescript(body.join('\n')) });
    const { exitCode, stderr } = await structdb([
      'migrate',
      'up',
      '--migrations-dir',
      directory,
      '--url',
      urlOf(connection),
    ]);
    expect([exitCode, stderr.split('\n')[0]]).toEqual([
      1,
      expect.stringMatching(
        /^✗ Migration 001_räume \(up\) failed, .*\/001_räume\.ts:6: there are no rooms\. Nothing of it was kept\.$/,
      ),
    ]);
    expect(await tablesOf(connection)).toEqual([]);
  });

  it('is no failed statement of the server for an error of the system with a code of five letters', async () => {
    const connection = await server.createOwnedDatabase();
    const body = [
      'const { rows } = await sql`select 1 as n`.execute(db);',
      "for (const _ of rows) throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });",
    ];
    const registry = await loaded({ '001.ts': typescript(body.join('\n')) });
    const error = await failureOf(up({ connection, registry }, testContext()));
    expect(error.message).not.toContain('SQLSTATE');
    expect(error.message).toContain('001.ts:4: operation not permitted.');
  });

  it('counts statements that only an answer brings about', async () => {
    const connection = await server.createOwnedDatabase();
    const body = [
      'const { rows } = await sql`select 1 as n`.execute(db);',
      'for (const _ of rows) await sql`select nope`.execute(db);',
    ];
    const registry = await loaded({ '001.ts': typescript(body.join('\n')) });
    const error = await failureOf(up({ connection, registry }, testContext()));
    expect(error.message).toMatch(/failed at statement 2, .*\/001\.ts: column "nope" does not exist/);
  });

  it.each([
    ['sql`create table late (id int)`.execute(db);', 'create table late \\(id int\\)'],
    [
      "['b', 'c'].forEach(async (name) => {\n  await db.schema.createTable(name).execute();\n  await sql`select 1`.execute(db);\n});",
      'create table "b" \\(\\)',
    ],
  ])('that does not wait for a query is refused before anything runs: %s', async (body, statement) => {
    const connection = await server.createOwnedDatabase();
    const text = typescript(`await sql\`create table a ()\`.execute(db);\n${body}`);
    const registry = await loaded({ '001.sql': '-- migrate:up\ncreate table early ();\n', '002.ts': text });
    for (const work of [up({ connection, registry }, testContext()), plan({ registry })]) {
      const error = await failureOf(work);
      expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', exitCode: 2 });
      expect(error.message).toMatch(new RegExp(`/002\\.ts: its up ends without waiting for its query: ${statement}$`));
    }
    expect(await tablesOf(connection)).toEqual([]);
  });

  it('may wait for several queries at once', async () => {
    const connection = await server.createOwnedDatabase();
    const body =
      "await Promise.all(['a', 'b'].map((name) => db.schema.createTable(name).execute()));\nawait Promise.resolve();";
    await up({ connection, registry: await loaded({ '001.ts': typescript(body) }) }, testContext());
    expect(await tablesOf(connection)).toEqual(['a', 'b']);
  });

  it('that cannot bear an empty answer is refused with its line before anything runs', async () => {
    const connection = await server.createOwnedDatabase();
    const body = 'const { rows } = await sql`select 1 as n`.execute(db);\nif (rows[0].n === 2) return;';
    const registry = await loaded({ '001.sql': '-- migrate:up\ncreate table early ();\n', '002.ts': typescript(body) });
    const error = await failureOf(up({ connection, registry }, testContext()));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', exitCode: 2 });
    expect(error.message).toMatch(
      /002\.ts:4: its up cannot be read without a database, where queries answer nothing: /,
    );
    expect(await tablesOf(connection)).toEqual([]);
  });
});
