import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { type CliResult, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const QUICK = ['--projects', '100', '--samples', '100'];

describe('a role that owns its database and is nothing more', () => {
  it('migrates, imports, backs up and drills; benches and restores into empty databases of its own', async () => {
    const own = await server.createOwnedDatabase();
    const { run, json } = await commands(own);

    expect((await run('migrate', 'up')).exitCode).toBe(0);
    expect((await json('migrate', 'status')).result).toMatchObject({ pending: [] });
    expect((await run('catalog', 'import')).stdout).toContain('4,815 inserted');
    const backup = (await json('backup')).result.made;
    expect(backup.database).toBe(own.database);
    const drill = (await json('dr-test')).result;
    expect(drill).toMatchObject({ label: backup.label, verdict: { ok: true }, rows: backup.rows });

    const forBench = await emptyDatabaseOf(own);
    const benched = await run('bench', '--into', forBench, ...QUICK);
    expect([0, 4, 6]).toContain(benched.exitCode);
    expect(await tablesOf({ ...own, database: forBench })).toBe(0);
    const forRestore = await emptyDatabaseOf(own);
    const restored = await json('restore', backup.label, '--database', forRestore);
    expect(restored).toMatchObject({ ok: true, result: { created: false, rows: backup.rows } });
    expect(await settingOf({ ...own, database: forRestore }, 'statement_timeout')).toBe('30s');
  });

  it('is told which grant is missing when there is no empty database either', async () => {
    const own = await server.createOwnedDatabase();
    const { run, json } = await commands(own);
    await run('migrate', 'up');
    const label = (await json('backup', 'run')).result.label;

    for (const command of [
      ['bench', ...QUICK],
      ['restore', label, '--database', `${own.database}_new`],
    ]) {
      const { exitCode, stderr } = await run(...command);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(new RegExp(`alter role "?${own.user}"? createdb`, 'i'));
    }
  });

  it('makes the databases itself when it may', async () => {
    const own = await server.createOwnedDatabase('createdb');
    const { run, json } = await commands(own);
    await run('migrate', 'up');
    const label = (await json('backup', 'run')).result.label;
    const database = `${own.database}_restored`;

    const benched = await run('bench', ...QUICK);
    const restored = await json('restore', label, '--database', database);

    expect([0, 4, 6]).toContain(benched.exitCode);
    expect(restored).toMatchObject({ ok: true, result: { created: true } });
    expect(await settingOf({ ...own, database }, 'statement_timeout')).toBe('30s');
    const left = await sql(own, (client) =>
      client.query(`select from pg_database where datname like 'structdb_bench_%' and datdba = current_user::regrole`),
    );
    expect(left.rowCount).toBe(0);
  });
});

async function commands(connection: ConnectionSettings) {
  const cwd = await scratchDirectory();
  const run = (...args: string[]): Promise<CliResult> => structdb([...args, '--url', urlOf(connection)], { cwd });
  return { run, json: async (...args: string[]) => (await run(...args, '--json')).json };
}

async function emptyDatabaseOf(owner: ConnectionSettings): Promise<string> {
  return (await server.createDatabase({ owner: owner.user })).database;
}

async function tablesOf(connection: ConnectionSettings): Promise<number> {
  const { rows } = await sql(connection, (client) =>
    client.query(
      `select count(*)::int as n from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    ),
  );
  return rows[0].n;
}

async function settingOf(connection: ConnectionSettings, name: string): Promise<string> {
  const { rows } = await sql(connection, (client) => client.query('select current_setting($1) as value', [name]));
  return rows[0].value;
}
