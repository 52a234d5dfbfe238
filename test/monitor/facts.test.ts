import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { tierRules } from '../../src/backup/index.ts';
import { storeRun } from '../../src/bench/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { Facts } from '../../src/monitor/facts/facts.ts';
import { FactGatherer, type FactSources } from '../../src/monitor/facts/gatherer.ts';
import { Part } from '../../src/monitor/facts/part.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { madeRun } from '../support/bench-run.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';
import { emptySources, nowhere, silent } from './serve-support.ts';

const server = useServer();
let connection: ConnectionSettings;
let sources: Awaited<ReturnType<typeof emptySources>>;

beforeAll(async () => {
  connection = await server.createDatabase();
  await migrateUp(connection);
  sources = await emptySources();
});

const gather = (changed: Partial<FactSources> = {}, limitMs?: number): Promise<Facts> =>
  new FactGatherer({ ...sources, connection, ...changed }, testContext(), limitMs).gather();

function value<Name extends keyof Facts>(facts: Facts, name: Name): Extract<Facts[Name], { ok: true }>['value'] {
  const fact = facts[name];
  if (!fact.ok) throw new Error(fact.error);
  return fact.value as never;
}

describe('facts', () => {
  it('of a migrated database without a backup, an archive, a drill or a benchmark', async () => {
    const facts = await gather();
    expect(value(facts, 'migrations').migrations.map(({ state }) => state)).toEqual(Array(6).fill('applied'));
    expect(value(facts, 'auditTriggers')).toEqual(
      ['project_events', 'project_payloads'].flatMap((table) => [
        { name: `${table}_refuse_change`, ok: true },
        { name: `${table}_refuse_truncate`, ok: true },
      ]),
    );
    expect(value(facts, 'tiers').map(({ tier, asked, due, newest }) => ({ tier, asked, due, newest }))).toEqual([
      { tier: 'daily', asked: true, due: true, newest: null },
      { tier: 'weekly', asked: false, due: true, newest: null },
      { tier: 'monthly', asked: false, due: true, newest: null },
    ]);
    expect(value(facts, 'stores')).toEqual([
      { store: 'local', backups: { dump: 0, base: 0, incremental: 0 }, error: null },
    ]);
    expect([value(facts, 'wal'), value(facts, 'window'), value(facts, 'bench')]).toEqual([null, null, null]);
    expect(value(facts, 'drills')).toEqual([]);
  });

  it('say where there is room, of a store that is there and of the data of a server on this machine', async () => {
    await mkdir(path.join(sources.root, 'local'));
    const disks = value(await gather(), 'disks');
    expect(disks.map(({ place }) => place)).toEqual(['store local', 'data directory']);
    for (const { freeBytes, sizeBytes } of disks) {
      expect(freeBytes).toBeGreaterThan(0);
      expect(sizeBytes).toBeGreaterThan(freeBytes);
    }
  });

  it('notice a trigger that was disabled, weakened, removed, or calls what refuses nothing', async () => {
    const own = await server.createDatabase({ template: connection.database });
    const bad = async () => {
      const triggers = value(await gather({ connection: own }), 'auditTriggers');
      return triggers.flatMap(({ name, ok }) => (ok ? [] : [name]));
    };
    const run = (statement: string) => sql(own, (client) => client.query(statement));
    await run('alter table project_events disable trigger project_events_refuse_change');
    expect(await bad()).toEqual(['project_events_refuse_change']);
    // As it is made without ALWAYS: silent where session_replication_role is replica.
    await run('alter table project_events enable trigger project_events_refuse_change');
    expect(await bad()).toEqual(['project_events_refuse_change']);
    await run(`drop trigger project_events_refuse_change on project_events;
      create trigger project_events_refuse_change before update on project_events
        for each statement execute function refuse_change();
      alter table project_events enable always trigger project_events_refuse_change`);
    expect(await bad()).toEqual(['project_events_refuse_change']);
    await run('drop trigger project_payloads_refuse_truncate on project_payloads');
    expect(await bad()).toEqual(['project_events_refuse_change', 'project_payloads_refuse_truncate']);
    await run(`create or replace function refuse_change() returns trigger language plpgsql as
      $$ begin return null; raise exception 'x'; end $$`);
    expect(await bad()).toHaveLength(4);
  });

  it('of the newest benchmark, of each query its slowest', async () => {
    const { root } = await emptySources();
    const run = madeRun();
    const [point] = run.result.points;
    const p95 = (ms: number) => ({ value: ms, low: ms, high: ms });
    const queries = point!.queries.map((query, place) => ({ ...query, p95: p95(place + 1) }));
    const slower = { ...point!, queries: [{ ...queries[0]!, p95: p95(120), verdict: 'fail' as const }] };
    const result = { ...run.result, verdict: 'fail' as const, points: [{ ...point!, queries }, slower] };
    await storeRun({ result, raw: [...run.raw, run.raw[0]!] }, { root });
    expect(value(await gather({ root }), 'bench')).toEqual({
      at: new Date('2026-11-30T02:15:30Z'),
      verdict: 'missed',
      queries: [
        { name: 'first', class: 'simple', p95Ms: 120, targetMs: 100, verdict: 'missed' },
        { name: 'second', class: 'simple', p95Ms: 2, targetMs: 100, verdict: 'met' },
        { name: 'third', class: 'simple', p95Ms: 3, targetMs: 100, verdict: 'met' },
      ],
    });
    await writeFile(path.join(root, '.structdb', 'bench', '20261231T000000Z-ffff.json'), 'cut off');
    expect(await gather({ root })).toMatchObject({ bench: { ok: false, error: expect.stringContaining('ffff.json') } });
  });

  it('of a role that may only watch are those that it may read', async () => {
    const { user, password } = await server.createRole();
    await sql(server.superuser, (client) => client.query(`grant pg_monitor to "${user}"`));
    const watcher = { connection: { ...connection, user, password } };
    const facts = await gather(watcher);
    expect(value(facts, 'auditTriggers')).toHaveLength(4);
    expect(value(facts, 'stores')).toHaveLength(1);
    // Migrations are in tables that it was not given: the grant is named, and is enough.
    const { migrations } = facts;
    if (migrations.ok) throw new Error('it may read them');
    const grant = /^As the owner: (.*)$/.exec(migrations.hint!)![1]!;
    await sql(connection, (client) => client.query(grant));
    expect(value(await gather(watcher), 'migrations').pending).toEqual([]);
  });

  it('that need no server are told while it is down; the others say why not', async () => {
    const facts = await gather({ connection: await nowhere() });
    expect(facts).toMatchObject({
      migrations: { ok: false, error: expect.stringContaining('nothing listens there') },
      auditTriggers: { ok: false },
      tiers: { ok: true },
      stores: { ok: true },
      wal: { ok: true, value: null },
      drills: { ok: true },
      bench: { ok: true },
    });
  });

  it('of a store that is silent are missing in time, and those of another store are there', async () => {
    const { connection: way } = await silent();
    const archive = () =>
      openS3Store({
        bucket: 'b',
        prefix: '',
        endpoint: `http://127.0.0.1:${way.port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        requestTimeoutMs: 60_000,
        retry: { attempts: 1, attemptsUntilReached: 1, firstPauseMs: 1, longestPauseMs: 1 },
      });
    // Its loading is no reading.
    await import('@aws-sdk/client-s3');
    await import('@smithy/node-http-handler');
    const { config, root } = await emptySources({
      stores: { archive: { type: 'directory', path: '/nowhere' } },
      backup: { weekly: { store: 'archive' } },
    });
    const openStore = async (name: string) =>
      name === 'archive' ? archive() : openDirectoryStore({ path: path.join(root, name), uid: process.geteuid?.() });
    const facts = await gather({ config, openStore }, 2000);
    expect(value(facts, 'stores')).toMatchObject([
      { store: 'local', error: null },
      { store: 'archive', error: 'There was no answer within 2.0 s.' },
    ]);
    expect(value(facts, 'tiers').map(({ tier, error }) => [tier, error])).toEqual([
      ['daily', null],
      ['weekly', 'There was no answer within 2.0 s.'],
      ['monthly', 'There was no answer within 2.0 s.'],
    ]);
    expect(tierRules(config.backup).map(({ store }) => store)).toEqual(['local', 'archive', 'archive']);
    expect(value(facts, 'migrations').pending).toEqual([]);
    expect(facts.wal).toMatchObject({ ok: false });
  });

  it('are gathered once at a time', async () => {
    const gatherer = new FactGatherer({ ...sources, connection }, testContext());
    const first = gatherer.gather();
    expect(gatherer.gather()).toBe(first);
    expect(gatherer.facts.migrations).toMatchObject({ ok: false, error: 'It has not been looked at yet.' });
    await first;
    expect(gatherer.facts.migrations.ok).toBe(true);
  });
});

describe('one part', () => {
  it('keeps its last value while a newer one cannot be read, without a password', async () => {
    let read: () => Promise<number> = async () => 1;
    const part = new Part(() => read(), 1000, new Date());
    const context = testContext();
    await part.refresh(context);
    expect(part.fact).toMatchObject({ ok: true, value: 1, stale: null });
    const { at } = part.fact;
    read = async () => {
      throw new Error('no way to postgres://ada:hidden-word@host/app');
    };
    await part.refresh(context);
    expect(part.fact).toMatchObject({
      ok: true,
      value: 1,
      at,
      stale: { error: 'no way to postgres://ada:***@host/app', hint: null },
    });
    read = async () => 2;
    await part.refresh(context);
    expect(part.fact).toMatchObject({ ok: true, value: 2, stale: null });
  });

  it('that hangs is left alone, and no second reading is begun beside it', async () => {
    const hung = Promise.withResolvers<number>();
    let begun = 0;
    const part = new Part(
      () => {
        begun += 1;
        return hung.promise;
      },
      20,
      new Date(),
    );
    const context = testContext();
    await part.refresh(context);
    expect(part.fact).toMatchObject({ ok: false, error: 'There was no answer within 20 ms.' });
    await part.refresh(context);
    expect(part.fact).toMatchObject({ ok: false, error: 'The reading before this one still has no answer.' });
    expect(begun).toBe(1);
    hung.resolve(3);
    await hung.promise;
    await part.refresh(context);
    expect(begun).toBe(2);
    expect(part.fact).toMatchObject({ ok: true, value: 3 });
  });
});
