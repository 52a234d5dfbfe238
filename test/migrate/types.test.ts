import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
let scratch: string;
beforeAll(async () => {
  scratch = await scratchDirectory();
});

/** In a process of its own, as a user would: kysely-codegen is CommonJS that loads kysely's modules. */
const types = (url: string, ...args: string[]) => structdb(['migrate', 'types', '--url', url, ...args]);

describe('structdb migrate types', () => {
  it('finds the committed types to be those of the migrated schema', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const committed = path.join(projectRoot, 'src/database/generated-types.ts');
    // When this fails: structdb migrate up, then structdb migrate types --out src/database/generated-types.ts
    expect(await types(urlOf(connection), '--check', '--out', committed)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('writes what it prints, and tells from then on when the schema has moved away from it', async () => {
    const connection = await server.createOwnedDatabase();
    const url = urlOf(connection);
    await sql(connection, (client) =>
      client.query(`create type mood as enum ('sad', 'happy');
        create table notes (id int primary key generated always as identity, mood mood not null, body jsonb)`),
    );
    const file = path.join(scratch, 'types.ts');
    expect(await types(url, '--check', '--out', file)).toMatchObject({ exitCode: 4 });
    expect(await types(url, '--out', file)).toMatchObject({
      exitCode: 0,
      stdout: `✓ ${file} written: 1 table or view.\n`,
    });
    expect((await types(url)).stdout).toBe(readFileSync(file, 'utf8'));
    expect(await types(url, '--out', file)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Up to date/),
    });
    expect(await types(url, '--check', '--out', file)).toMatchObject({ exitCode: 0 });

    await sql(connection, (client) => client.query('alter table notes add column author text'));
    const stale = await types(url, '--check', '--json', '--out', file);
    expect(stale.exitCode).toBe(4);
    expect(stale.json).toMatchObject({
      ok: false,
      result: { state: 'stale', difference: { database: '  author: string | null;' } },
      error: { code: 'TYPES_STALE' },
    });
    expect(readFileSync(file, 'utf8')).not.toContain('author');
  });

  it('names the folder that is missing for the file', async () => {
    const connection = await server.createDatabase();
    const folder = path.join(scratch, 'not-there');
    const missing = await types(urlOf(connection), '--out', path.join(folder, 'types.ts'));
    expect(missing).toMatchObject({ exitCode: 1, stdout: '' });
    expect(missing.stderr).toBe(
      `✗ There is no folder ${folder} to write types.ts into.\n  → Make it first: mkdir -p ${folder}\n`,
    );
  });

  it('gives the same text whatever else is in the database and in whatever order it was made', async () => {
    const tables = [
      'create table b (z text, a int not null)',
      'create table a (id bigint)',
      'create view v as select 1 as one',
    ];
    const texts: string[] = [];
    for (const order of [tables, tables.toReversed()]) {
      const connection = await server.createDatabase();
      await sql(connection, async (client) => {
        for (const statement of order) await client.query(statement);
        if (order === tables) return;
        await client.query('create schema other; create table other.a (x int); create extension pg_stat_statements');
      });
      texts.push((await types(urlOf(connection))).stdout);
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[0]).toContain('export interface DB {\n  a: A;\n  b: B;\n  v: V;\n}');
  });

  it('says which package to install when it is not there, and wants a file to check', async () => {
    const connection = await server.createDatabase();
    const loader = path.join(scratch, 'without.mjs');
    writeFileSync(
      loader,
      `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) { return next(name === 'kysely-codegen' ? 'not-there-kysely-codegen' : name, context); } });`,
    );
    const absent = await structdb(['migrate', 'types', '--url', urlOf(connection)], {
      env: { NODE_OPTIONS: `--import=${loader}` },
    });
    expect(absent).toMatchObject({ exitCode: 1, stdout: '' });
    expect(absent.stderr).toBe(
      '✗ The package kysely-codegen, which makes the types, is not installed.\n  → Run: npm install --save-dev kysely-codegen\n',
    );
    expect(await types(urlOf(connection), '--check')).toMatchObject({ exitCode: 2 });
  });
});
