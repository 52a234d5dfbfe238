import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { chooseCluster } from '../../src/drill/base/choose.ts';
import { type BaseDrillOptions, runBaseDrill, runDrill } from '../../src/drill/index.ts';
import { copyStore, damageObject } from '../../src/drill/scenarios/copy-store.ts';
import { withTemplate } from '../../src/drill/scenarios/run.ts';
import type { Template } from '../../src/drill/scenarios/template.ts';
import { findBackup, lastVerification } from '../../src/repository/backups.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { listWal } from '../../src/repository/wal-archive.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';
import { newProject } from '../support/project.ts';
import { migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { drillDirectoriesOf } from './support.ts';

const scratch = await scratchDirectory();
const objectives = { rto: 15 * 60_000, rpo: 5 * 60_000 };

/** A cluster that runs and archives, with two base backups; the rows of its table `t` come one by one. */
let source: Template;
let connection: ConnectionSettings;
let release = () => {};
let released: Promise<unknown>;

beforeAll(async () => {
  await new Promise<void>((resolve, reject) => {
    released = withTemplate({ places: testPlaces() }, testContext(), async (template) => {
      source = template;
      // It writes by itself, and then the source is not idle.
      await template.cluster.start({ autovacuum: 'off' }, testContext());
      resolve();
      await new Promise<void>((end) => {
        release = end;
      });
    }).catch(reject);
  });
  ({ connection } = source.cluster);
  await sql(connection, (client) => client.query('create table t (id int generated always as identity, note text)'));
  // As an interrupted DROP DATABASE leaves it: nobody is let in, and nothing can be looked at.
  await sql(connection, (client) => client.query('create database half'));
  await sql(connection, (client) => client.query("update pg_database set datconnlimit = -2 where datname = 'half'"));
  await archive();
});

afterAll(async () => {
  release();
  await released;
});

/** Closes the segment and waits until it is in the store. */
async function archive(): Promise<void> {
  await sql(connection, async (client) => {
    await client.query('select pg_switch_wal()');
    for (;;) {
      const { rows } = await client.query(`select from pg_ls_archive_statusdir() where name like '%.ready'`);
      if (rows.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
}

const add = (note: string) => sql(connection, (client) => client.query('insert into t (note) values ($1)', [note]));
const away = (): ConnectionSettings => ({ ...connection, host: '127.0.0.1', port: 1 });
const optionsFor = (more: Partial<BaseDrillOptions> = {}): BaseDrillOptions => ({
  baseStores: [source.store],
  connection,
  places: testPlaces(),
  objectives,
  ...more,
});

let copies = 0;
/** A store like that of the source, in which things may be damaged. */
async function copyOf(store: Store): Promise<Store> {
  copies += 1;
  const copy = openDirectoryStore({
    path: path.join(scratch, `copy-${copies}`),
    uid: process.geteuid?.(),
    owner: source.cluster.site.user,
  });
  await copyStore(store, copy);
  return copy;
}

const evidenceOf = (store: Store): Record<string, unknown>[] => {
  const folder = path.join(store.location, source.systemIdentifier, 'drills');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
};

describe('A drill of a base backup', () => {
  it('recovers the newest one and its WAL, loses nothing of an idle source, and leaves evidence and nothing else', async () => {
    await add('archived');
    await archive();
    const cwd = await projectWith(source.store);
    const url = `postgres://${connection.user}@/${connection.database}?host=${encodeURIComponent(connection.host)}`;
    const run = await structdb(['dr-test', '--json', '--require-rpo', '--url', url, '--html', 'a.html'], { cwd });
    expect(run).toMatchObject({ exitCode: 0, json: { command: 'dr-test', ok: true, error: null } });
    const { evidence, ...record } = run.json.result;
    expect(record).toMatchObject({
      kind: 'base',
      label: source.backups[1],
      chain: [source.backups[1]],
      passedOver: [],
      verdict: { ok: true, code: null },
      rpo: { judged: true, met: true, lossMs: 0, lostCommits: 0, basis: 'source' },
      rto: { met: true },
      write: { kind: 'table' },
      unchecked: expect.arrayContaining(['half: a DROP DATABASE that was interrupted left it, and nobody is let in']),
    });
    const phases: Record<string, number> = record.rto.phases;
    expect(Object.values(phases).reduce((sum, ms) => sum + ms, 0)).toBe(record.rto.measuredMs);
    expect(Object.keys(phases)).toEqual([
      'selectMs',
      'planMs',
      'fetchMs',
      'startMs',
      'replayMs',
      'promoteMs',
      'firstWriteMs',
    ]);
    const checks = record.checks as { name: string; ok: boolean }[];
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'first write',
        'files',
        'replay',
        'tables and indexes',
        'exclusion constraints',
        'sequences',
      ]),
    );
    expect(JSON.parse(readFileSync(path.join(source.store.location, evidence), 'utf8'))).toEqual(record);
    expect(readFileSync(path.join(cwd, 'a.html'), 'utf8')).toContain('first write');
    const history = await structdb(['dr-test', 'history', '--json'], { cwd });
    expect(history.json.result.drills.at(-1)).toMatchObject({ kind: 'base', ok: true, rpoMs: 0, evidence });
    // The source runs in a directory of its own; nothing else is left of this one.
    expect(drillDirectoriesOf(run.pid!)).toEqual([]);
  });

  it('counts the commits that the store does not have, one that began before the end of its WAL included', async () => {
    const open = await openTransaction();
    await archive();
    await open.commit();
    await add('one');
    await add('two');
    const options = optionsFor({ objectives: { ...objectives, rpo: 1 } });
    const { result, verdict } = await runBaseDrill(options, testContext());
    expect(result.rpo).toMatchObject({ lostCommits: 3, met: false });
    expect(verdict).toMatchObject({ code: 'RPO_EXCEEDED', exitCode: 4, message: expect.stringContaining('3 commits') });
    const loss = Date.parse(result.rpo.disasterAt) - Date.parse(result.rpo.coveredUntil);
    expect(result.rpo.lossMs).toBe(loss);
    await archive();
    const after = await runBaseDrill(options, testContext());
    expect(after.result.rpo).toMatchObject({ lostCommits: 0, lossMs: 0 });
  });

  it('of a source that is gone proves what was replayed, and no more', async () => {
    const { result, verdict } = await runBaseDrill(optionsFor({ connection: away() }), testContext());
    expect(verdict).toBeUndefined();
    expect(result.rpo).toMatchObject({ lostCommits: null, basis: 'last commit', judged: true });
    expect(result.rpo.coveredUntil).toBe(result.replay.lastCommitAt);
  });

  it('falls back to an older backup when the newest is corrupt, says so, and exits 4', async () => {
    const store = await copyOf(source.store);
    const [older, newer] = source.backups;
    await damageObject(store, openRepository(store, source.systemIdentifier).keys.part(newer, 'base.tar.zst'));
    const { result, verdict } = await runBaseDrill(optionsFor({ baseStores: [store] }), testContext());
    expect(result).toMatchObject({ label: older, passedOver: [{ label: newer }], rpo: { lostCommits: 0 } });
    expect(verdict).toMatchObject({ code: 'BACKUP_CORRUPT', exitCode: 4 });
    expect(await lastVerification(await findBackup(store, newer))).toMatchObject({ ok: false, method: 'drill' });
    expect(await lastVerification(await findBackup(store, older))).toMatchObject({ ok: true, method: 'drill' });
    await damageObject(store, openRepository(store, source.systemIdentifier).keys.part(older, 'base.tar.zst'));
    const none = runBaseDrill(optionsFor({ baseStores: [store] }), testContext());
    await expect(none).rejects.toMatchObject({ code: 'BACKUP_CORRUPT', exitCode: 4 });
    expect(evidenceOf(store)).toContainEqual(
      expect.objectContaining({ rto: null, verdict: expect.objectContaining({ ok: false, code: 'BACKUP_CORRUPT' }) }),
    );
  });

  it('finds a hole in the WAL, recovers what is before it, and exits 4', async () => {
    await add('before');
    await archive();
    const store = await copyOf(source.store);
    const repository = openRepository(store, source.systemIdentifier);
    const segments = [...(await listWal(repository)).segments.values()];
    await store.delete(segments.at(-2)!.key);
    const { result, verdict } = await runBaseDrill(optionsFor({ baseStores: [store] }), testContext());
    expect(verdict).toMatchObject({
      code: 'WAL_HOLE',
      exitCode: 4,
      message: expect.stringContaining(segments.at(-2)!.name),
    });
    expect(result.rpo.lostCommits).toBeGreaterThan(0);
    expect(result.write).not.toBeNull();
  });

  it('recovers to an instant that chance chooses, the same again with the same seed', async () => {
    await add('later');
    await archive();
    const options = optionsFor({ randomInstant: { seed: 11 } });
    const { result, verdict } = await runBaseDrill(options, testContext());
    expect(verdict).toBeUndefined();
    const { target, replay } = result;
    expect(target).toMatchObject({ kind: 'random', seed: 11 });
    const at = target.kind === 'random' ? Date.parse(target.at) : 0;
    expect(result.rpo.judged).toBe(false);
    if (replay.lastCommitAt !== null) expect(Date.parse(replay.lastCommitAt)).toBeLessThanOrEqual(at);
    expect(at).toBeLessThan(Date.now());
  });

  it('recovers to an instant at which a newer backup was still being made, and nothing was committed behind that', async () => {
    await add('the newest');
    await archive();
    const store = await copyOf(source.store);
    const [older, newer] = source.backups;
    const file = path.join(store.location, source.systemIdentifier, 'backups', newer, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...manifest, stoppedAt: new Date().toISOString() }));
    const begun = (await findBackup(store, newer)).parts.at.toISOString();
    const wish = { baseStores: [store], places: testPlaces() };
    let seed = 0;
    for (; ; seed += 1) {
      const { target } = await chooseCluster({ ...wish, randomInstant: { seed } }, undefined, testContext());
      if (target.kind === 'random' && target.at > begun) break;
    }
    const { result, verdict } = await runBaseDrill(optionsFor({ ...wish, randomInstant: { seed } }), testContext());
    expect({ verdict, label: result.label, passedOver: result.passedOver }).toEqual({ label: older, passedOver: [] });
  });

  it('finds what is wrong with a cluster: order in a B-tree, exclusions, sequences, validity, triggers', async () => {
    const broken = await source.cluster.connection;
    await sql(broken, async (client) => {
      await client.query('create database broken');
    });
    const database = { ...connection, database: 'broken' };
    await migrateUp(database);
    await sql(database, breakEverything);
    await archive();
    const { result, verdict } = await runBaseDrill(optionsFor({ connection: database }), testContext());
    await sql(broken, (client) => client.query('drop database broken with (force)'));
    expect(verdict).toMatchObject({ code: 'CHECK_FAILED', exitCode: 4 });
    const failed = Object.fromEntries(
      result.checks.filter(({ ok }) => !ok).map(({ name, details }) => [name, details.join(' ')]),
    );
    expect(failed).toEqual({
      'tables and indexes': expect.stringMatching(/item order invariant/),
      'exclusion constraints': expect.stringMatching(
        /broken: constraint once on public\.spans: .*conflicting key|could not create exclusion/,
      ),
      sequences: expect.stringMatching(/would give 1, but 3 is used already/),
      validity: expect.stringMatching(/spans_note_idx is not valid/),
      'audit triggers': expect.stringMatching(/public\.project_events/),
    });
    expect(result.unchecked.join(' ')).toMatch(/gist index public\.once/);
  });

  it('never touches the tablespaces of the source', async () => {
    const place = path.join(source.cluster.directory, 'space');
    await sql(connection, async (client) => {
      await client.query(`copy (select 1) to program 'mkdir ${place}'`);
      await client.query(`create tablespace elsewhere location '${place}'`);
      await client.query('create table placed tablespace elsewhere as select generate_series(1, 100) i');
    });
    const { runBackup } = await import('../../src/backup/index.ts');
    const { runOptions } = await import('../backup/support.ts');
    const options = { ...(await runOptions(connection, scratch)), store: source.store, kind: 'base' as const };
    const { label } = await runBackup(options, testContext());
    const before = readdirSync(place, { recursive: true }).sort();
    const { result, verdict } = await runBaseDrill(optionsFor({ label }), testContext());
    expect(verdict).toBeUndefined();
    expect(result).toMatchObject({ label, rpo: { lostCommits: 0 } });
    expect(readdirSync(place, { recursive: true }).sort()).toEqual(before);
  });

  it.each(['restore.fetch', 'restore.replay', 'drill.check'])(
    'that is stopped at %s leaves no server, no directory and no evidence',
    async (step) => {
      const context = testContext();
      const report = (event: (typeof context.events)[number]) => {
        if (event.kind === 'step' && event.step === step) context.interrupt();
      };
      const before = evidenceOf(source.store);
      const drill = runBaseDrill(optionsFor(), { ...context, report });
      await expect(drill).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
      expect(drillDirectoriesOf(process.pid).filter(isOfAnother)).toEqual([]);
      expect(evidenceOf(source.store)).toEqual(before);
    },
  );
});

it('A drill that is killed leaves a server that the next one stops and removes', async () => {
  const cwd = await projectWith(source.store);
  const killed = await structdb(['dr-test', '--kind', 'base', '--verbose'], {
    cwd,
    onStderr: (soFar, child) => /Replaying WAL/.test(soFar) && child.kill('SIGKILL'),
  });
  expect(killed.exitCode).toBe(256);
  await runBaseDrill(optionsFor(), testContext());
  expect(drillDirectoriesOf(killed.pid!)).toEqual([]);
});

it('dr-test refuses flags that exclude each other', async () => {
  const runs = [
    ['--random-instant', '--kind', 'dump'],
    ['--seed', '1', '--kind', 'dump'],
    ['--random-instant', '--require-rpo'],
    ['--seed', 'x'],
    ['--kind', 'incremental'],
    ['--label', '20261124T020000.000Z-dump-x', '--kind', 'base'],
  ];
  const codes = await Promise.all(runs.map(async (flags) => (await structdb(['dr-test', ...flags])).exitCode));
  expect(codes).toEqual([2, 2, 2, 2, 2, 2]);
});

it('The plain command drills a base backup where the cluster has one, and a dump where it has none', async () => {
  const dumps = openDirectoryStore({ path: path.join(scratch, 'none'), uid: process.geteuid?.() });
  const common = { ...optionsFor(), store: dumps };
  const context = testContext();
  const stopped = {
    ...context,
    report: (event: (typeof context.events)[number]) => {
      context.report(event);
      if (event.kind === 'step' && event.step === 'restore.plan') context.interrupt();
    },
  };
  await expect(runDrill(common, stopped)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(context.events).toContainEqual(
    expect.objectContaining({ message: expect.stringMatching(/^Chose \S+-base$/) }),
  );
  await expect(runDrill({ ...common, kind: 'dump' }, testContext())).rejects.toMatchObject({ code: 'BACKUP_MISSING' });
  await expect(runDrill({ ...common, baseStores: [dumps] }, testContext())).rejects.toMatchObject({
    code: 'BACKUP_MISSING',
  });
});

/** A project whose only store is that one. */
async function projectWith({ location }: Store): Promise<string> {
  const cwd = await newProject(scratch);
  const config = `export default { stores: { local: { type: 'directory', path: '${location}' } } };`;
  writeFileSync(path.join(cwd, 'structdb.config.ts'), config);
  return cwd;
}

/** Whether that is not the directory of the source itself. */
function isOfAnother(name: string): boolean {
  return !source.cluster.directory.includes(name);
}

async function openTransaction(): Promise<{ commit(): Promise<void> }> {
  let commit = () => {};
  let began = () => {};
  const isOpen = new Promise<void>((resolve) => {
    began = resolve;
  });
  const wanted = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const done = sql(connection, async (client) => {
    await client.query('begin');
    await client.query(`insert into t (note) values ('long')`);
    began();
    await wanted;
    await client.query('commit');
  });
  await isOpen;
  return {
    commit: async () => {
      commit();
      await done;
    },
  };
}

/** Each breaks one promise, and nothing that keeps the server from starting. */
async function breakEverything(client: pg.Client): Promise<void> {
  await client.query(`
    create function turned(int, int) returns int immutable language sql as 'select btint4cmp($1, $2)';
    create operator class turned_ops for type int using btree as
      operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 turned(int, int);
    create table numbers (i int);
    insert into numbers select generate_series(1, 2000);
    create index numbers_turned on numbers (i turned_ops);
    create or replace function turned(int, int) returns int immutable language sql as 'select btint4cmp($2, $1)';
    create table spans (id serial, span int4range, note text, constraint once exclude using gist (span with &&));
    create index spans_note_idx on spans (note);
    insert into spans (span) values ('[1,5)'), ('[5,9)');
    update pg_index set indisready = false where indexrelid = 'once'::regclass;`);
  await client.query(`insert into spans (span) values ('[2,3)')`);
  await client.query(`
    update pg_index set indisready = true where indexrelid = 'once'::regclass;
    update pg_index set indisvalid = false where indexrelid = 'spans_note_idx'::regclass;
    select setval('spans_id_seq', 1, false);
    alter table project_events disable trigger all;`);
}
