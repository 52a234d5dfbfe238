import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { fill, withBlockedDump } from '../backup/support.ts';
import { newCheckout } from '../devdb/support.ts';
import { type CliOptions, type CliResult, structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { newProject } from '../support/project.ts';
import { migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

interface Running {
  readonly ended: Promise<CliResult>;
  /** Ctrl-C. */
  interrupt(): void;
  /** Waits until standard error says this. */
  said(text: string): Promise<void>;
}

function start(args: readonly string[], options: CliOptions = {}): Running {
  let child: { kill(signal: NodeJS.Signals): void } | undefined;
  let soFar = '';
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const tell = () => {
    for (const { text, resolve } of waiting) if (soFar.includes(text)) resolve();
  };
  const onStderr: CliOptions['onStderr'] = (text, running) => {
    child = running;
    soFar = text;
    tell();
  };
  const ended = structdb([...args, '--verbose'], { ...options, onStderr });
  return {
    ended,
    interrupt: () => child!.kill('SIGINT'),
    async said(text) {
      const heard = new Promise<void>((resolve) => waiting.push({ text, resolve }));
      tell();
      const early = ended.then(({ stderr }) => {
        if (!stderr.includes(text)) throw new Error(`It ended without "${text}":\n${stderr}`);
      });
      await Promise.race([heard, early]);
    },
  };
}

/** Objects of backups, and leases that somebody still holds, are what a stopped run must not leave. */
const backupFiles = (cwd: string) =>
  readdirSync(cwd, { recursive: true })
    .map(String)
    .filter((name) => /\/backups\/./.test(name));

async function relations(connection: ConnectionSettings): Promise<string[]> {
  const { rows } = await sql(connection, (client) =>
    client.query<{ name: string }>(
      `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'structdb') and c.relkind in ('r', 'm')`,
    ),
  );
  return rows.map(({ name }) => name);
}

describe('Ctrl-C', () => {
  it('in catalog import: nothing is imported, nobody is left at work, and the next import does it all', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const url = ['--url', urlOf(connection)];
    const rows = async () =>
      (
        await sql(connection, (client) =>
          client.query(`select (select count(*)::int from material_catalog) as materials,
            (select count(*)::int from pg_stat_activity where datname = current_database()
               and pid <> pg_backend_pid() and application_name like 'structdb%') as sessions`),
        )
      ).rows[0];
    const before = await rows();
    await sql(connection, async (other) => {
      await other.query('begin; lock table material_catalog in exclusive mode');
      const running = start(['catalog', 'import', ...url]);
      const waits = `select from pg_locks where not granted and relation = 'material_catalog'::regclass`;
      while ((await other.query(waits)).rowCount === 0) await other.query('select pg_sleep(0.02)');
      running.interrupt();
      const { exitCode, stdout, stderr } = await running.ended;
      expect([exitCode, stdout]).toEqual([130, '']);
      expect(stderr).toContain('✗ Interrupted.');
      await other.query('rollback');
    });
    expect(await rows()).toEqual(before);
    expect(await structdb(['catalog', 'import', ...url])).toMatchObject({ exitCode: 0 });
  });

  it('in backup run: no object of it stays, no lease, and the next one does it', async () => {
    const database = await server.createOwnedDatabase();
    await fill(database, 100);
    const cwd = await newProject(scratch);
    const args = ['backup', 'run', '--url', urlOf(database)];
    await withBlockedDump(database, async (reached) => {
      const running = start(args, { cwd });
      await reached();
      running.interrupt();
      expect(await running.ended).toMatchObject({
        exitCode: 130,
        stdout: '',
        stderr: expect.stringContaining('Interrupted'),
      });
    });
    expect(backupFiles(cwd)).toEqual([]);
    expect(await structdb(args, { cwd })).toMatchObject({ exitCode: 0 });
  });

  it('in bench --into: the database is empty again; a second one meanwhile is told that it is taken', async () => {
    const owner = await server.createOwnedDatabase();
    const args = ['bench', '--url', urlOf(owner), '--into', owner.database, '--projects', '200', '--clients', '2'];
    const running = start([...args, '--samples', '50000']);
    await running.said('Warming up');
    const second = await structdb([...args, '--json']);
    expect(second.exitCode).toBe(5);
    expect(second.json.error).toMatchObject({ code: 'LOCKED', hint: expect.stringContaining('Wait for it') });
    expect(await relations(owner)).toContain('projects');
    running.interrupt();
    expect((await running.ended).exitCode).toBe(130);
    expect(await relations(owner)).toEqual([]);
  });

  it('in quickstart: what was done stays whole, no benchmark and no backup is left; two at once then finish it', async () => {
    const checkout = await newCheckout();
    const running = start(['quickstart'], { cwd: checkout.directory });
    await running.said('Warming up');
    running.interrupt();
    expect((await running.ended).exitCode).toBe(130);
    const databases = await checkout.run([
      'dev',
      'psql',
      '--',
      '-Atc',
      "select count(*) from pg_database where datname like 'structdb_bench%'",
    ]);
    expect(databases.stdout).toBe('0\n');
    expect((await checkout.run(['backup', 'list', '--json'])).json.result.backups).toEqual([]);
    expect((await checkout.run(['migrate', 'status', '--json'])).json.result.pending).toEqual([]);

    const both = await Promise.all([checkout.run(['quickstart', '--json']), checkout.run(['quickstart', '--json'])]);
    const codes = both.map(({ exitCode }) => exitCode).toSorted((a, b) => a - b);
    // The second may meet the first in its backup: then it says so. It never harms it.
    expect(codes[0]).toBe(0);
    for (const { exitCode, json } of both) {
      if (exitCode !== 0) expect(json).toMatchObject({ exitCode: 5, error: { code: 'LOCKED' } });
    }
    const sizes = both.filter(({ exitCode }) => exitCode === 0).map(({ json }) => json.result.backup.rows);
    expect(new Set(sizes).size).toBe(1);
  }, 240_000);
});

describe('The same command twice at once', () => {
  it('migrate up: both succeed, and each migration is applied once', async () => {
    const connection = await server.createOwnedDatabase();
    const args = ['migrate', 'up', '--json', '--url', urlOf(connection)];
    const both = await Promise.all([structdb(args), structdb(args)]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.map(({ json }) => json.result.steps.length).toSorted()).toEqual([0, 6]);
  });

  it('catalog import: both succeed, and the second finds nothing to do', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const args = ['catalog', 'import', '--json', '--url', urlOf(connection)];
    const both = await Promise.all([structdb(args), structdb(args)]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.map(({ json }) => json.result.changed).toSorted()).toEqual([false, true]);
  });

  it('backup run: the second names who is at work, and the first is not harmed', async () => {
    const database = await server.createOwnedDatabase();
    await fill(database, 100);
    const cwd = await newProject(scratch);
    const args = ['backup', 'run', '--json', '--url', urlOf(database)];
    await withBlockedDump(database, async (reached, unblock) => {
      const first = structdb(args, { cwd });
      await reached();
      const second = await structdb(args, { cwd });
      expect(second.exitCode).toBe(5);
      expect(second.json.error).toMatchObject({
        code: 'LOCKED',
        message: expect.stringMatching(/"structdb backup run" of .* \(process \d+\) .* since 20\d\d-/),
        hint: expect.stringContaining('Wait'),
      });
      await unblock();
      expect(await first).toMatchObject({ exitCode: 0, json: { result: { rows: 200 } } });
    });
    const { result } = (await structdb(['backup', 'list', '--json'], { cwd })).json;
    expect(result.backups).toMatchObject([{ rows: 200, verification: { ok: true } }]);
  });
});
