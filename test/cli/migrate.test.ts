import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('structdb migrate', () => {
  it('status --check exits 3 while migrations wait, 0 when all is applied, 4 when one was edited', async () => {
    const connection = await server.createOwnedDatabase();
    const url = urlOf(connection);
    const pending = await structdb(['migrate', 'status', '--check', '--json', '--url', url]);
    expect(pending.exitCode).toBe(3);
    expect(pending.json).toMatchObject({
      command: 'migrate status',
      ok: false,
      result: { current: null },
      error: { code: 'MIGRATIONS_PENDING' },
    });
    const applied = await structdb(['migrate', 'up', '--json', '--url', url]);
    expect(applied.json).toMatchObject({ ok: true, result: { current: '006_envelope_support', pending: [] } });
    const clean = await structdb(['migrate', 'status', '--check', '--url', url]);
    expect(clean).toMatchObject({ exitCode: 0, stderr: '' });
    expect(clean.stdout).toMatch(/✓ 006_envelope_support\s+applied\s+\d{4}-\d\d-\d\d .* UTC {2}in .* by /);
    await sql(connection, (client) => client.query(`update structdb.migrations set checksum = repeat('0', 64)`));
    const changed = await structdb(['migrate', 'status', '--check', '--url', url]);
    expect(changed.exitCode).toBe(4);
    expect(changed.stderr).toContain('001_core_schema was edited after it was applied');
    expect(changed.stdout).toMatch(/✗ 001_core_schema +edited .*\n(.*\n){5}6 edited\.\n$/);
    await sql(connection, async (client) => {
      await client.query(`delete from structdb.migrations`);
      await client.query(`insert into structdb.kysely_migration values ('777_strange', '2026-01-01T00:00:00Z')`);
    });
    const strange = await structdb(['migrate', 'status', '--url', url]);
    expect(strange.exitCode).toBe(0);
    expect(strange.stdout).toMatch(/✓ 006_envelope_support +applied +.* UTC {2}no checksum\n/);
    expect(strange.stdout).toMatch(
      /✗ 777_strange +missing file +2026-01-01 00:00:00 UTC {2}no checksum\n1 missing file\.\n$/,
    );
  });

  it('down says what will be lost, wants --yes without a terminal, and then does it', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const url = urlOf(connection);
    const refused = await structdb(['migrate', 'to', '004', '--url', url]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('column projects.confidence: values in 0 rows');
    expect(refused.stderr).toContain('Run it again with --yes.');
    const done = await structdb(['migrate', 'down', '2', '--yes', '--url', url]);
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toBe('Took back 2 migrations: the database is at 004_seed_data, 2 pending.\n');
    expect(done.stderr).toMatch(/✓ Took back 006_envelope_support .*\n✓ Took back 005_performance_monitoring /);
  });

  it('plan prints the SQL without any database', async () => {
    const { exitCode, stdout } = await structdb(['migrate', 'plan', '006', '--down'], { env: { PGHOST: '/nowhere' } });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^-- 006_envelope_support \(down\), no transaction/);
    expect(stdout).toContain('drop index concurrently if exists public.project_payloads_project_id_version_key;');
  });

  it('plan tells the locks in comments, and stays SQL that psql would run', async () => {
    const connection = await server.createOwnedDatabase();
    const { stdout } = await structdb(['migrate', 'plan', '--to', '004']);
    expect(stdout).toContain(
      '--   ACCESS EXCLUSIVE on public.projects: blocks reads and writes; rewrites the table; unless',
    );
    await sql(connection, (client) => client.query(stdout));
    const { json } = await structdb(['migrate', 'plan', '--database', '--json', '--url', urlOf(connection)]);
    expect(json).toMatchObject({ ok: true, result: { database: connection.database, current: null } });
    const [first] = json.result.migrations;
    expect(first.effects).toHaveLength(first.statements.length);
    const migrated = await server.createOwnedDatabase();
    await migrateUp(migrated);
    const done = await structdb(['migrate', 'plan', '--url', urlOf(migrated)]);
    expect(done.stdout).toBe(`-- nothing would run: database ${migrated.database} is at 006_envelope_support\n`);
  });

  it('lint exits 0 on what ships, and 4 where a large table would be locked long', async () => {
    const clean = await structdb(['migrate', 'lint']);
    expect(clean).toMatchObject({ exitCode: 0, stderr: '' });
    expect(clean.stdout).toBe('6 migrations: no errors, no warnings, 11 ignored with a reason.\n');
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    await sql(connection, async (client) => {
      await client.query(`insert into projects (account_id, name, created_by, updated_by)
        select gen_random_uuid(), 'n', 'a', 'a' from generate_series(1, 20)`);
      await client.query('analyze projects');
    });
    const args = ['migrate', 'lint', '--url', urlOf(connection)];
    expect((await structdb(args)).exitCode).toBe(0);
    const large = await structdb([...args, '--large', '10']);
    expect(large.exitCode).toBe(4);
    expect(large.stdout).toContain('✗ 002_enum_constraints, statement 7: long-lock-on-large-table\n');
    expect(large.stderr).toContain('lint found 1 error in 002_enum_constraints.');
    const { json } = await structdb([...args, '--large', '10', '--json']);
    expect(json).toMatchObject({
      ok: false,
      exitCode: 4,
      result: { database: connection.database, errors: 1, findings: [{ statement: 7, level: 'error' }] },
      error: { code: 'LINT_FAILED' },
    });
    expect((await structdb(['migrate', 'lint', '--large', 'many'])).exitCode).toBe(2);
  });

  it('answers wrong usage with exit 2', async () => {
    for (const args of [
      ['up', '0'],
      ['up', '--lock-wait', 'soon'],
      ['up', '--lock-timeout', '30 days'],
      ['to', 'nowhere'],
    ]) {
      expect(await structdb(['migrate', ...args, '--url', urlOf(server.superuser)])).toMatchObject({
        exitCode: 2,
        stdout: '',
      });
    }
  });

  it('up with Ctrl-C exits 130, and the next up finishes', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 4);
    await sql(connection, async (writer) => {
      await writer.query('begin');
      await writer.query(
        `insert into projects (account_id, name, created_by, updated_by) values (gen_random_uuid(), 'Open', 'a', 'a')`,
      );
      let interrupted = false;
      const run = await structdb(['migrate', 'up', '--verbose', '--url', urlOf(connection)], {
        onStderr: (soFar, child) => {
          if (interrupted || !soFar.includes('Applying 005_performance_monitoring')) return;
          interrupted = true;
          child.kill('SIGINT');
        },
      });
      expect(run.exitCode).toBe(130);
      await writer.query('rollback');
    });
    expect((await structdb(['migrate', 'up', '--url', urlOf(connection)])).exitCode).toBe(0);
  });

  it('dashboard refresh tells how many rows the view has', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const { exitCode, json } = await structdb(['dashboard', 'refresh', '--json', '--url', urlOf(connection)]);
    expect(exitCode).toBe(0);
    expect(json.result).toMatchObject({ view: 'project_dashboard', rows: 0, concurrently: true });
  });
});
