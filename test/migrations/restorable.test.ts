import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { up } from '../../src/migrate/index.ts';
import { findProgram } from '../../src/programs/find.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, useServer } from '../support/postgres.ts';
import { countProjects, fillProjects } from '../support/rows.ts';
import { dumpSchema, migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const run = promisify(execFile);

describe('the schema', () => {
  it('is restored by pg_restore with its rows, payloads from before the hash included', async () => {
    const source = await server.createOwnedDatabase();
    await migrateUp(source, 5);
    await sql(source, (client) => fillProjects(client, 20));
    await up({ connection: source }, testContext());
    const target = await server.createDatabase({ owner: source.user });
    const copy = { ...source, database: target.database };
    const file = path.join(await scratchDirectory(), 'dump');
    const at = ['--host', source.host, '--port', String(source.port), '--username', source.user];
    const [dump, restore] = await Promise.all(
      ['pg_dump', 'pg_restore'].map((name) => findProgram(name, testPlaces(), { atLeast: 15 })),
    );
    const env = { PGPASSWORD: source.password ?? '' };
    await run(dump!.path, [...at, '--format=custom', '--file', file, source.database], { env });
    await run(restore!.path, [...at, '--exit-on-error', '--dbname', copy.database, file], { env });
    expect(await dumpSchema(copy)).toBe(await dumpSchema(source));
    expect(await sql(copy, countProjects)).toEqual({ projects: 20, payloads: 20, events: 60 });
    await expect(sql(copy, (client) => client.query('truncate projects cascade'))).rejects.toMatchObject({
      code: '23001',
    });
  });

  it('goes into public, whatever the search path of the role', async () => {
    const connection = await server.createOwnedDatabase();
    await sql(connection, (client) => client.query(`create schema "${connection.user}"`));
    await migrateUp(connection);
    const { rows } = await sql(connection, (client) =>
      client.query(`select count(*)::int as strays from pg_class where relnamespace = $1::regnamespace`, [
        `"${connection.user}"`,
      ]),
    );
    expect(rows).toEqual([{ strays: 0 }]);
  });
});
