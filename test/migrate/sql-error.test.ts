import { describe, expect, it } from '@jest/globals';
import { up } from '../../src/migrate/index.ts';
import type { RegisteredMigration } from '../../src/migrate/registry.ts';
import { excerptOf } from '../../src/migrate/run/sql-error.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

async function failureIn(migration: RegisteredMigration) {
  const connection = await server.createOwnedDatabase();
  return failureOf(up({ connection, registry: { '001_site': migration } }, testContext()));
}

/** As the loader of SQL files makes it: the statements as they stand in the file. */
function sqlFile(text: string): RegisteredMigration {
  const body = text
    .slice(text.indexOf('\n') + 1)
    .split(/;\n+(?=create|insert|select|do|$)/)
    .filter(Boolean);
  return { ...statements(body), source: { file: 'migrations/001_site.sql', text } };
}

describe('an error of SQL', () => {
  it('in a SQL file names file, line and column, shows the line between its neighbours with a caret', async () => {
    const error = await failureIn(
      sqlFile(`-- migrate:up
create table größe (id int);
create table site (
  id int,
	name txt not null,
  street text
);
`),
    );
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', exitCode: 1 });
    expect(error.message).toBe(
      'Migration 001_site (up) failed at statement 2 of 2, migrations/001_site.sql:5:7: type "txt" does not exist (SQLSTATE 42704). Nothing of it was kept.',
    );
    expect(error.details).toEqual([
      '  4 |   id int,',
      '> 5 | \tname txt not null,',
      '    | \t     ^',
      '  6 |   street text',
    ]);
  });

  it('of a statement that comes twice is found at its second place; detail and hint of the server are told', async () => {
    const error = await failureIn(
      sqlFile(`-- migrate:up
create table site (id int primary key);
insert into site values (1);
insert into site values (1);
`),
    );
    expect(error.message).toMatch(
      /^Migration 001_site \(up\) failed at statement 3 of 3, migrations\/001_site\.sql:4: duplicate key .*\(SQLSTATE 23505\)/,
    );
    expect(error.details).toEqual([
      '  3 | insert into site values (1);',
      '> 4 | insert into site values (1);',
      'detail: Key (id)=(1) already exists.',
    ]);
    const hinted = await failureIn(statements(['create table site (id int)', 'select ids from site']));
    expect(hinted.hint).toBe('Perhaps you meant to reference the column "site.id".');
  });

  it("of TypeScript shows the statement's own lines; characters are counted as PostgreSQL counts them", async () => {
    const error = await failureIn(statements(`select '😀ä',\n  '😀' || nope\nfrom (values (1)) v`));
    expect(error.message).toContain('failed at statement 1 of 1: column "nope" does not exist (SQLSTATE 42703)');
    expect(error.details).toEqual([
      `  1 | select '😀ä',`,
      `> 2 |   '😀' || nope`,
      '    |          ^',
      '  3 | from (values (1)) v',
    ]);
  });

  it('within a block shows the line of the block and the statement that it sends', async () => {
    const error = await failureIn(
      sqlFile(`-- migrate:up
select 1;
do $body$
declare
  x int;
begin
  x := 1; -- first
  insert into nowhere values (x);
end $body$;
`),
    );
    expect(error.message).toContain('statement 2 of 2, migrations/001_site.sql:8: relation "nowhere" does not exist');
    expect(error.details).toEqual([
      '  7 |   x := 1; -- first',
      '> 8 |   insert into nowhere values (x);',
      '  9 | end $body$;',
      'which sends:',
      '> 1 | insert into nowhere values (x)',
      '    |             ^',
      'context: PL/pgSQL function inline_code_block line 6 at SQL statement',
    ]);
  });

  it('shows no password, also of a literal over several lines', async () => {
    const error = await failureIn(
      statements(`alter role current_user password\n  'hunter\n22'\n  valid until 'never' nonsense`),
    );
    expect(error.details.join('\n')).not.toMatch(/hunter|22'/);
    expect(error.details.join('\n')).toMatch(/> 4 \| {3}valid until 'never' nonsense\n {4}\| {23}\^/);
  });

  it('shows a window of a very long line', () => {
    const long = `select ${'1, '.repeat(500)}nope`;
    const { lines } = excerptOf({ position: String(long.length - 3) }, { statements: [long], statement: 1 });
    expect(lines.every((line) => line.length < 180)).toBe(true);
    const [line, caret] = lines;
    expect(line!.slice(caret!.indexOf('^'))).toBe('nope');
  });

  it('of a missing privilege keeps its code and names the statement', async () => {
    const error = await failureIn(statements('create role other'));
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', exitCode: 1 });
    expect(error.message).toMatch(
      /^Migration 001_site \(up\) failed at statement 1 of 1: permission denied to create role/,
    );
  });
});
