import { spawn } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { listStore, runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { type DumpDrillOptions, runDumpDrill } from '../../src/drill/index.ts';
import { withDrillServer } from '../../src/drill/scratch.ts';
import { probeWrite } from '../../src/drill/write-probe.ts';
import { withClient } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { runOptions } from '../backup/support.ts';
import {
  type BackedUp,
  backedUp,
  changeManifest,
  copyOfStore,
  dumpWithOneRowChanged,
  replaceDump,
} from '../restore/support.ts';
import { program, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { programs, testPlaces } from '../support/environment.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { drillDirectoriesOf } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();
const objectives = { rto: 15 * 60_000, rpo: 5 * 60_000 };
let backup: BackedUp;

beforeAll(async () => {
  backup = await backedUp(server, scratch);
});

const optionsFor = (connection: ConnectionSettings | undefined, store = backup.store): DumpDrillOptions => ({
  store,
  connection,
  places: testPlaces(),
  objectives,
});
/** A configuration whose notifications write into the file `told`. */
function tellInto(cwd: string): void {
  const command = 'echo "$STRUCTDB_EVENT $STRUCTDB_OUTCOME $STRUCTDB_LABEL $STRUCTDB_ERROR_CODE" > told';
  const backupPolicy = { onSuccess: { command }, onFailure: { command } };
  const config = { stores: { local: { type: 'directory', path: './store' } }, backup: backupPolicy };
  writeFileSync(path.join(cwd, 'structdb.config.ts'), `export default ${JSON.stringify(config)};`);
}

const STEPS = [
  'drill.select',
  'drill.server',
  'restore.fetch',
  'restore.load',
  'restore.settings',
  'drill.write',
  'drill.check',
];
const away = (connection: ConnectionSettings) => ({ ...connection, host: '127.0.0.1', port: 1 });
const evidenceIn = (location: string): Record<string, unknown>[] => {
  const [repository] = readdirSync(location);
  const folder = path.join(location, repository!, 'drills');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
};

describe('structdb dr-test', () => {
  it('restores the newest backup for a plain owner, judges it, keeps the evidence, and leaves nothing behind', async () => {
    const { cwd, store } = await copyOfStore(backup, scratch);
    tellInto(cwd);
    const run = await structdb(['dr-test', '--json', '--url', urlOf(backup.source)], { cwd });
    expect(run).toMatchObject({ exitCode: 0, json: { command: 'dr-test', ok: true, error: null } });
    const { result } = run.json;
    expect(result).toMatchObject({
      label: backup.label,
      database: backup.source.database,
      verdict: { ok: true, code: null },
      passedOver: [],
      rto: { objectiveMs: objectives.rto, met: true },
      rpo: { provable: false, required: false, message: 'not provable from a dump' },
      ageOfData: { intervalMs: 86_400_000, judged: true, withinLimit: true },
      write: { kind: 'project' },
      server: { scratchMajor: 15 },
      leftOut: [],
    });
    const phases = Object.values(result.rto.phases as Record<string, number>);
    const apart = Math.abs(phases.reduce((sum, ms) => sum + ms, 0) - result.rto.measuredMs);
    expect(apart).toBeLessThan(Math.max(50, result.rto.measuredMs / 5));
    const names = result.checks.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['contents', 'settings', 'database', 'migrations', 'constraints', 'sequences']),
    );
    expect(names).toEqual(expect.arrayContaining(['extensions', 'audit triggers', 'first write']));
    expect(result.checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
    const { evidence, ...record } = result;
    expect(JSON.parse(readFileSync(path.join(store.location, evidence), 'utf8'))).toEqual(record);
    expect(await listStore({ store })).toMatchObject([{ verification: { ok: true, method: 'drill' } }]);
    expect(drillDirectoriesOf(run.pid!)).toEqual([]);
    expect(run.stdout + run.stderr).not.toContain(backup.source.password);
    expect(readFileSync(path.join(cwd, 'told'), 'utf8')).toBe(`drill success ${backup.label} \n`);
  });

  it('exits 4 when one row of the restored copy is not the one that was backed up', async () => {
    const copy = await copyOfStore(backup, scratch);
    await replaceDump(copy, await dumpWithOneRowChanged(server, backup, scratch));
    const run = await structdb(['dr-test', '--json', '--url', urlOf(backup.source)], { cwd: copy.cwd });
    expect(run).toMatchObject({
      exitCode: 4,
      json: { ok: false, error: { code: 'CONTENT_DIFFERS' }, result: { verdict: { ok: false }, rto: { met: true } } },
    });
    const failed = run.json.result.checks.filter(({ ok }: { ok: boolean }) => !ok);
    expect(failed).toMatchObject([
      { name: 'contents', details: ['public.projects: 30 rows expected and found, but their content differs'] },
    ]);
    expect(evidenceIn(copy.store.location)).toContainEqual(
      expect.objectContaining({ verdict: expect.objectContaining({ code: 'CONTENT_DIFFERS' }) }),
    );
    expect(await listStore({ store: copy.store })).toMatchObject([{ verification: { ok: false, method: 'drill' } }]);
  });

  it('needs no server of its own where the store has dumps of one database; --require-rpo fails on a dump', async () => {
    const { cwd } = await copyOfStore(backup, scratch);
    tellInto(cwd);
    const run = await structdb(['dr-test', '--require-rpo'], { cwd });
    expect(run.exitCode).toBe(4);
    expect(readFileSync(path.join(cwd, 'told'), 'utf8')).toBe(`drill failure ${backup.label} RPO_UNPROVABLE\n`);
    expect(run.stdout).toContain(backup.label);
    expect(run.stdout).toMatch(/✓ RTO .* to the first accepted write; the objective is 15 min/);
    expect(run.stdout).toContain('✗ RPO not provable from a dump; the objective is 5 min');
    expect(run.stderr).toContain('Leave out --require-rpo');
  });
});

describe('A drill', () => {
  it('under write load gives a true verdict', async () => {
    const options = await runOptions(backup.source, scratch);
    let writing = true;
    const writer = sql(backup.source, async (client) => {
      while (writing) {
        await client.query('begin');
        const { rows } = await client.query<{ project_id: string }>(
          `insert into projects (account_id, name, created_by, updated_by)
           values (gen_random_uuid(), 'Load', 'load', 'load') returning project_id`,
        );
        await client.query(
          `insert into project_events (project_id, event_type, actor) values ($1, 'created', 'load')`,
          [rows[0]!.project_id],
        );
        await client.query(`update projects set name = 'Load 2' where project_id = $1`, [rows[0]!.project_id]);
        await client.query('commit');
      }
    });
    try {
      const made = await runBackup(options, testContext());
      const context = testContext();
      const { result, verdict } = await runDumpDrill(optionsFor(backup.source, options.store), context);
      expect(verdict).toBeUndefined();
      expect(result).toMatchObject({ label: made.label, rows: made.rows, verdict: { ok: true } });
      expect(context.events.flatMap((event) => (event.kind === 'step' ? [event.step] : []))).toEqual(STEPS);
    } finally {
      writing = false;
      await writer;
    }
  });

  it('takes no backup of another cluster for one of a server that answers, and works when it is down', async () => {
    const copy = await copyOfStore(backup, scratch);
    const [repository] = readdirSync(copy.store.location);
    renameSync(path.join(copy.store.location, repository!), path.join(copy.store.location, '1234567890'));
    await expect(runDumpDrill(optionsFor(backup.source, copy.store), testContext())).rejects.toMatchObject({
      code: 'BACKUP_MISSING',
      message: expect.stringContaining('only 1 of another cluster'),
    });
    const { verdict } = await runDumpDrill(optionsFor(away(backup.source), copy.store), testContext());
    expect(verdict).toBeUndefined();
  });

  it('of a database that has no dump says which have', async () => {
    const drill = runDumpDrill(optionsFor({ ...away(backup.source), database: 'other' }), testContext());
    await expect(drill).rejects.toMatchObject({
      code: 'BACKUP_MISSING',
      message: expect.stringContaining(`"${backup.source.database}"`),
    });
  });

  it('judges the age of the newest backup and the time it takes', async () => {
    const context = testContext();
    const twoDaysLater = { ...context.clock, now: () => new Date(Date.now() + 2 * 86_400_000) };
    const options = { ...optionsFor(backup.source), objectives: { rto: 1, rpo: 1 } };
    const { result, verdict } = await runDumpDrill(options, { ...context, clock: twoDaysLater });
    expect(verdict).toMatchObject({ code: 'RTO_EXCEEDED', exitCode: 4 });
    expect(result).toMatchObject({
      rto: { met: false, objectiveMs: 1 },
      ageOfData: { judged: true, withinLimit: false, intervalMs: 86_400_000 },
    });
    expect(result.ageOfData.ms).toBeGreaterThan(2 * 86_400_000);
  });
});

it('The isolated server is reached through its private socket only, and archives nothing', async () => {
  const context = testContext();
  await withDrillServer({ places: testPlaces(), major: 15 }, context, async ({ connection }) => {
    const shown = await withClient(connection, profiles.drill, context, async (client) => {
      const { rows } = await client.query(
        `select current_setting('listen_addresses') as addresses, current_setting('archive_mode') as archive_mode,
                current_setting('unix_socket_directories') as directory`,
      );
      return rows[0];
    });
    expect(shown).toEqual({ addresses: '', archive_mode: 'off', directory: connection.host });
    expect(statSync(connection.host).mode & 0o777).toBe(0o700);
  });
});

describe('The first write', () => {
  it("is a table of its own where the schema is not structdb's, even if the database is read-only by default", async () => {
    const plain = await server.createOwnedDatabase();
    await sql(plain, (client) =>
      client.query(`alter database "${plain.database}" set default_transaction_read_only = on`),
    );
    expect(await probeWrite(plain, testContext())).toMatchObject({ kind: 'table' });
  });

  it('fails where the tables do not take it, or do not count versions', async () => {
    const odd = await server.createOwnedDatabase();
    await sql(odd, (client) => client.query('create table projects (id int); create table project_events (id int)'));
    await expect(probeWrite(odd, testContext())).rejects.toMatchObject({ code: 'SQL_FAILED' });
    const twin = await server.createDatabase({ template: backup.source.database, owner: backup.source.user });
    await sql(twin, (client) => client.query('alter table projects disable trigger projects_next_version'));
    await expect(probeWrite(twin, testContext())).rejects.toMatchObject({ code: 'CHECK_FAILED' });
  });
});

describe('A drill whose newest backup cannot be restored', () => {
  it('falls back to the next older one, and says so with exit code 4', async () => {
    const copy = await copyOfStore(backup, scratch);
    const made = await runBackup({ ...backup.options, store: copy.store }, testContext());
    truncateSync(await copy.file('dump.pgdump', made.label), 500);
    const { result, verdict } = await runDumpDrill(optionsFor(backup.source, copy.store), testContext());
    expect(result).toMatchObject({
      label: backup.label,
      passedOver: [{ label: made.label }],
      write: { kind: 'project' },
    });
    expect(verdict).toMatchObject({
      code: 'BACKUP_CORRUPT',
      exitCode: 4,
      message: expect.stringContaining('dump.pgdump has 500 bytes'),
    });
    const [older, newer] = await listStore({ store: copy.store });
    expect([older?.verification?.ok, newer?.verification?.ok]).toEqual([true, false]);
  });

  it('and that has no other leaves evidence, and exits 4', async () => {
    const copy = await copyOfStore(backup, scratch);
    await changeManifest(copy, (manifest) => {
      for (const part of manifest.parts) Object.assign(part, { name: 'lost.pgdump' });
    });
    const run = await structdb(['dr-test', '--url', urlOf(backup.source), '--json'], { cwd: copy.cwd });
    expect(run).toMatchObject({ exitCode: 4, json: { result: null, error: { code: 'BACKUP_CORRUPT' } } });
    expect(run.json.error.message).toContain('lost.pgdump is missing');
    expect(evidenceIn(copy.store.location)).toContainEqual(
      expect.objectContaining({ rto: null, verdict: expect.objectContaining({ ok: false }) }),
    );
  });

  it('because pg_restore cannot read it, checksums and all, blames the backup', async () => {
    const copy = await copyOfStore(backup, scratch);
    const dump = readFileSync(await copy.file('dump.pgdump'));
    await replaceDump(copy, dump.subarray(0, dump.length - 20_000));
    const drill = runDumpDrill(optionsFor(backup.source, copy.store), testContext());
    await expect(drill).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      exitCode: 4,
      message: expect.stringContaining('cannot be restored'),
    });
  });

  it('because its roles were altered, blames the backup', async () => {
    const copy = await copyOfStore(backup, scratch);
    const globals = await copy.file('globals.sql');
    const text = readFileSync(globals, 'utf8');
    rmSync(globals);
    writeFileSync(globals, text.replace('NOSUPERUSER', 'YESUPERUSER'));
    await expect(runDumpDrill(optionsFor(backup.source, copy.store), testContext())).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringMatching(/globals\.sql of backup \S+ was altered/),
    });
  });
});

describe('A drill that is stopped', () => {
  it.each(['drill.select', 'drill.server', 'restore.load', 'drill.check'])(
    'at %s leaves no server, no directory and no evidence',
    async (step) => {
      const copy = await copyOfStore(backup, scratch);
      const context = testContext();
      const report = (event: (typeof context.events)[number]) => {
        if (event.kind === 'step' && event.step === step) context.interrupt();
      };
      const before = evidenceIn(copy.store.location);
      const drill = runDumpDrill(optionsFor(backup.source, copy.store), { ...context, report });
      await expect(drill).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
      expect(drillDirectoriesOf(process.pid)).toEqual([]);
      expect(evidenceIn(copy.store.location)).toEqual(before);
    },
  );

  it('by kill -9 leaves a server that the next drill stops and removes, also when two begin at once', async () => {
    const { cwd, store } = await copyOfStore(backup, scratch);
    const args = [program, 'dr-test', '--url', urlOf(backup.source)];
    const child = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env.PATH, ...programs },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text) => /Fetching/.test(String(text)) && child.kill('SIGKILL'));
      child.on('exit', () => resolve());
    });
    expect(drillDirectoriesOf(child.pid!)).toHaveLength(1);
    const contexts = [testContext(), testContext()];
    const drills = contexts.map((context) => runDumpDrill(optionsFor(backup.source, store), context));
    expect((await Promise.all(drills)).map(({ verdict }) => verdict)).toEqual([undefined, undefined]);
    expect(drillDirectoriesOf(child.pid!)).toEqual([]);
  });
});
