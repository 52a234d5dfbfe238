import { describe, expect, it } from '@jest/globals';
import { SqlSplitError, splitSql } from '../../src/core/split-sql.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

/** Each text with its statements as PostgreSQL takes them. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['select 1; select 2', ['select 1', 'select 2']],
  [' ; ;; select 1 ;\n;', ['select 1']],
  [`select ';', 'it''s;', E'a\\';b', e'\\\\'; select 2`, [`select ';', 'it''s;', E'a\\';b', e'\\\\'`, 'select 2']],
  // Without E a backslash is a character, and the quote behind it ends the string.
  [`select 'a\\'; select 2`, [`select 'a\\'`, 'select 2']],
  [`select E'a'\n 'b\\';c'; select 2`, [`select E'a'\n 'b\\';c'`, 'select 2']],
  [`select name'x;' from (select 1) "type;"`, [`select name'x;' from (select 1) "type;"`]],
  [`select 1 as "a;""b;"; select 2`, [`select 1 as "a;""b;"`, 'select 2']],
  ['select $$a;b$$, $x$;$$;$x$; select 2', ['select $$a;b$$, $x$;$$;$x$', 'select 2']],
  // A dollar within a name opens nothing.
  ['select 1 as a$b$c; select 2 as d$b$', ['select 1 as a$b$c', 'select 2 as d$b$']],
  ['select $ü$;$ü$; select 2', ['select $ü$;$ü$', 'select 2']],
  ['-- a; b\nselect 1; -- c; d\n/* e; /* f; */ g; */ select 2 /* h; */', ['select 1', 'select 2']],
  ['select 1 -- a;\n + 2; select 3', ['select 1 -- a;\n + 2', 'select 3']],
  ['select 1--1;\n; select 2', ['select 1', 'select 2']],
  ['select 5 */* a */ 2, \'/*\'; select 2 as "*/"', ["select 5 */* a */ 2, '/*'", 'select 2 as "*/"']],
  [
    'create rule r as on insert to t do also (delete from t where false; delete from t where true); select 2',
    ['create rule r as on insert to t do also (delete from t where false; delete from t where true)', 'select 2'],
  ],
  [
    'create or replace function f(a int) returns int language sql begin atomic select case a when 1 then 2 end; select a; end; select 2',
    [
      'create or replace function f(a int) returns int language sql begin atomic select case a when 1 then 2 end; select a; end',
      'select 2',
    ],
  ],
  [
    'create procedure p() begin atomic insert into t values (1); end; select 2',
    ['create procedure p() begin atomic insert into t values (1); end', 'select 2'],
  ],
  ['do $body$ begin perform 1; end; $body$; select 2', ['do $body$ begin perform 1; end; $body$', 'select 2']],
];

describe('splitSql', () => {
  it.each(CASES)('%s', (text, statements) => {
    const split = splitSql(text);
    expect(split.map((statement) => statement.text)).toEqual(statements);
    for (const { text: each, offset } of split) expect(text.slice(offset, offset + each.length)).toBe(each);
  });

  it('splits into what the server itself takes for one statement each', async () => {
    const connection = await server.createDatabase();
    await sql(connection, async (client) => {
      await client.query('create table t (a int)');
      for (const [, statements] of CASES) {
        for (const statement of statements) {
          // With parameters a query is sent by the extended protocol, which refuses more than one statement.
          await client.query({ text: statement, values: [], queryMode: 'extended' } as never);
        }
      }
    });
  });

  it.each([
    [`select 1;\nselect 'a`, 17],
    ['select $a$ $b$', 7],
    ['/* a /* b */', 0],
    ['select "a', 7],
    ['\\connect other', 0],
  ])('refuses %s', (text, offset) => {
    expect(() => splitSql(text)).toThrow(SqlSplitError);
    try {
      splitSql(text);
    } catch (error) {
      expect((error as SqlSplitError).offset).toBe(offset);
    }
  });
});
