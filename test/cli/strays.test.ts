import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

/** `migrate up` of a migration with that body. */
async function run(body: string) {
  const text = `import { type Kysely, sql } from 'kysely';
export async function up(db: Kysely<unknown>) {
  ${body}
}
export async function down(db: Kysely<unknown>) {
  await sql\`drop table kept\`.execute(db);
}
`;
  const { project } = await migrationFolder({ '001_a.ts': text });
  const connection = await server.createOwnedDatabase();
  const words = ['migrate', 'up', '--migrations-dir', 'migrations', '--json', '--url', urlOf(connection)];
  const result = await structdb(words, { cwd: project });
  const tables = await sql(connection, async (client) => {
    const { rows } = await client.query(`select from pg_tables where tablename = 'kept'`);
    return rows.length;
  });
  // Stdout is the one document in any case.
  return { ...result, error: result.json.error, tables };
}

const KEPT = 'await sql`create table kept ()`.execute(db);';

describe('what a migration does besides its work', () => {
  it.each([
    [
      'a query that nobody waits for, and that fails',
      `sql\`select nope\`.execute(db);\n  ${KEPT}`,
      /^Something failed that nobody waits for: column "nope" does not exist$/,
    ],
    [
      'an error in a timer, while a statement runs',
      `${KEPT}\n  setTimeout(() => { throw new Error('too late'); });\n  await sql\`select pg_sleep(60)\`.execute(db);`,
      /^Something failed that nobody waits for: too late$/,
    ],
    [
      'the end of the process',
      `${KEPT}\n  if ((await sql\`select 1\`.execute(db)).rows.length > 0) process.exit(0);`,
      /^The process was ended with 0 before the command was done\.$/,
    ],
  ])('%s: is told in one line, with exit code 1, and nothing is kept', async (_what, body, message) => {
    const { exitCode, error, stderr, tables } = await run(body);
    expect({ exitCode, error }).toEqual({
      exitCode: 1,
      error: { code: 'INTERNAL', message: expect.stringMatching(message), hint: expect.any(String) },
    });
    expect(stderr).not.toMatch(/^ +at /m);
    expect(tables).toBe(0);
  });

  it('what it prints is no part of the answer', async () => {
    const { exitCode, stderr, tables } = await run(`console.log('of the migration');\n  ${KEPT}`);
    expect({ exitCode, tables }).toEqual({ exitCode: 0, tables: 1 });
    expect(stderr).toContain('of the migration\n');
  });
});
