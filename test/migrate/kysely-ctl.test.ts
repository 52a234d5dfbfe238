import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, status, up } from '../../src/migrate/index.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { structureOf } from '../support/kill.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
const run = promisify(execFile);

async function kysely(connection: ConnectionSettings, ...args: string[]): Promise<string> {
  const bin = path.join(projectRoot, 'node_modules/kysely-ctl/dist/bin.mjs');
  const { stdout } = await run(process.execPath, [bin, ...args, '--no-outdated-check'], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1', CI: '1', DATABASE_URL: urlOf(connection) },
  });
  return stdout;
}

describe('kysely-ctl with kysely.config.ts', () => {
  it('agrees with structdb on the same database, the concurrent index builds and the books included', async () => {
    const context = testContext();
    const [theirs, ours] = [await server.createOwnedDatabase(), await server.createOwnedDatabase()];
    await migrateUp(ours);
    expect(await kysely(theirs, 'migrate', 'latest')).toContain('Ran 6 migrations');
    expect(await structureOf(theirs)).toEqual(await structureOf(ours));
    expect((await status({ connection: theirs }, context)).migrations.every(({ state }) => state === 'applied')).toBe(
      true,
    );

    await down({ connection: theirs }, context);
    expect(await kysely(theirs, 'migrate', 'list')).toMatch(
      /✓`?\] 005_performance_monitoring\n.*\[ \] 006_envelope_support/,
    );
    expect(await kysely(theirs, 'migrate', 'down')).toMatch(/⍻`?\] 005_performance_monitoring/);
    expect((await status({ connection: theirs }, context)).current).toBe('004_seed_data');
    await up({ connection: theirs }, context);
    expect(await structureOf(theirs)).toEqual(await structureOf(ours));
  });

  it('works with the limits of a structdb connection, not with the 30 seconds of the database', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const query = `select current_setting('statement_timeout') as t, current_setting('application_name') as a`;
    const answer = await kysely(connection, 'sql', query, '-f', 'json');
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      rows: [{ t: '0', a: 'structdb migrate' }],
    });
  });
});
