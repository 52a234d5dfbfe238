import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { configSchema } from '../../src/config/schema.ts';
import type { Fact } from '../../src/monitor/facts/fact.ts';
import type { Facts } from '../../src/monitor/facts/facts.ts';
import { factSamples } from '../../src/monitor/facts/samples.ts';
import { OWN_METRICS } from '../../src/monitor/metrics/own.ts';
import type { PromiseVerdict } from '../../src/monitor/promise.ts';
import { byUrgency, judgePromises } from '../../src/monitor/promises/judge.ts';
import { projectRoot } from '../support/cli.ts';
import { DAY, everyFacts, everyLive, goodFacts, goodLive, HOUR, now, read, tierOf } from './facts-support.ts';

const { objectives } = configSchema.parse({});

function judge(changed: Partial<Facts>, live = [goodLive()]): PromiseVerdict[] {
  return judgePromises({ ...goodFacts(), ...changed }, live, objectives, now);
}

function one(id: string, changed: Partial<Facts>, live = [goodLive()]): PromiseVerdict {
  const found = judge(changed, live).find((each) => each.id === id);
  if (!found) throw new Error(`no promise ${id}`);
  return found;
}

describe('promises', () => {
  it('are all kept where everything is as it should be', () => {
    expect(judge({}).filter(({ state }) => state !== 'kept')).toEqual([]);
    expect(judge({}).map(({ message }) => message)).toEqual([
      'Recoverable from 20 Nov 02:00 UTC to 12.0 s ago.',
      'Last drill 3 days ago, RTO 41.0 s of 15 min 00 s.',
      'The last drill, of a base, took 41.0 s of 15 min 00 s.',
      'The last drill of a base backup lost 2.0 s; 5 min 00 s are allowed.',
      'The newest daily dump was made 10 h 00 min ago, verified.',
      'The newest weekly base was made 10 h 00 min ago, verified.',
      'The newest monthly base was made 10 h 00 min ago, verified.',
      'WAL is archived; the newest segment 30.0 s ago.',
      '42 archived segments, without a hole that matters.',
      'structdb on localhost:5432 answers: PostgreSQL 15.18.',
      '12 of 97 connections are in use; 50.0 % are promised not to be exceeded.',
      'The index hit rate is 99.5 % of 95.0 %.',
      'The cache hit rate is 99.9 % of 99.0 %.',
      '2 migrations applied as they are, the newest 002_more.',
      '2 triggers protect the audit log.',
      'The benchmark 2 days ago kept all targets.',
      '"local" answers; backups: 3 dump, 2 base.',
      'The disk of the store local has 50.0 GiB of 100.0 GiB free (50 %).',
    ]);
  });

  it('of any state of things have stable names, one verdict each, and what mends a broken one', () => {
    fc.assert(
      fc.property(everyFacts, everyLive, (facts, live) => {
        const promises = judgePromises(facts, live, objectives, now);
        const ids = promises.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const wrong = promises.filter(({ state, fix, message, measured, runbook }) => {
          const mended = state === 'broken' ? fix !== null && /\S/.test(fix) : state !== 'kept' || fix === null;
          const measurable = measured === null || Number.isFinite(measured.value);
          return !mended || !measurable || runbook === null || !/^\S.*[.:)\w]$/.test(message);
        });
        expect(wrong).toEqual([]);
        expect(byUrgency(promises).map(({ state }) => 'broken unknown kept none'.indexOf(state))).toEqual(
          promises.map(({ state }) => 'broken unknown kept none'.indexOf(state)).sort((a, b) => a - b),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('name pages and headings that exist', () => {
    const runbooks = new Set<string>();
    fc.assert(
      fc.property(everyFacts, everyLive, (facts, live) => {
        for (const { runbook } of judgePromises(facts, live, objectives, now)) if (runbook) runbooks.add(runbook);
      }),
      { numRuns: 150 },
    );
    for (const runbook of runbooks) {
      const [page, heading] = runbook.split('#');
      const text = readFileSync(path.join(projectRoot, 'docs', page!), 'utf8');
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        title!
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
          .replaceAll(' ', '-'),
      );
      if (heading !== undefined) expect(headings).toContain(heading);
    }
  });

  it('are unknown where nobody could look, and judged by the last look for a while', () => {
    const failed: Fact<never> = { ok: false, at: now, error: 'the disk is on fire', hint: 'Call somebody' };
    expect(one('backup.daily', { tiers: failed })).toMatchObject({
      state: 'unknown',
      message: 'The backups cannot be read: the disk is on fire',
      fix: 'Call somebody',
    });
    const stale = (ageMs: number): Partial<Facts> => ({
      tiers: { ...read([tierOf({})], new Date(now.getTime() - ageMs)), stale: { at: now, error: 'gone', hint: null } },
    });
    expect(one('backup.daily', stale(60_000))).toMatchObject({
      state: 'kept',
      details: expect.arrayContaining(['As it was 1 min 00 s ago; since then: gone']),
    });
    expect(one('backup.daily', stale(HOUR)).state).toBe('unknown');
  });
});

describe('the recovery window', () => {
  const window = (changed: object) => ({
    window: read({
      from: new Date(now.getTime() - 10 * DAY),
      to: now,
      objectiveMs: 7 * DAY,
      holes: [],
      lostFrom: null,
      ...changed,
    }),
  });

  it('is broken by a hole and by a start that was lost, but not by being young', () => {
    expect(one('recovery.window', window({}))).toMatchObject({ state: 'kept', details: [] });
    expect(one('recovery.window', window({ from: new Date(now.getTime() - DAY) }))).toMatchObject({
      state: 'kept',
      details: ['The archive is 24 h 00 min old; 7 days are promised: it grows.'],
      measured: { value: 86_400, limit: 7 * 86_400, unit: 's' },
    });
    const lostFrom = new Date(now.getTime() - 5 * DAY);
    expect(one('recovery.window', window({ from: new Date(now.getTime() - DAY), lostFrom }))).toMatchObject({
      state: 'broken',
      message: expect.stringContaining('base backups or WAL are gone'),
    });
    const holes = [{ segment: '000000010000000000000007', lastBefore: new Date(now.getTime() - HOUR) }];
    expect(one('recovery.window', window({ holes }))).toMatchObject({
      state: 'broken',
      message: expect.stringContaining('000000010000000000000007 is missing'),
      fix: expect.stringContaining('structdb backup run --kind base'),
    });
  });

  it('without WAL is the instants of backups, and without those nothing', () => {
    expect(one('recovery.window', { window: read(null) })).toMatchObject({
      state: 'none',
      message: 'Recoverable to the instant of a backup, the newest 10 h 00 min ago; nothing between them.',
    });
    const without = (dump: number, error: string | null = null) => ({
      window: read(null),
      tiers: read([tierOf({ newest: null, error })]),
      stores: read([{ store: 'local', backups: { dump, base: 0, incremental: 0 }, error }]),
    });
    expect(one('recovery.window', without(0))).toMatchObject({ state: 'broken', fix: 'structdb backup' });
    expect(one('recovery.window', without(3))).toMatchObject({
      state: 'none',
      message: 'Recoverable to the instants of 3 backups that count for no tier; nothing between them.',
    });
    expect(one('recovery.window', without(0, 'refused')).state).toBe('unknown');
  });
});

describe('the backup of a tier', () => {
  const daily = (changed: object) => one('backup.daily', { tiers: read([tierOf(changed)]) });

  it('is missing once its period began an hour ago, or twice as long as one takes', () => {
    const began = (agoMs: number, durationMs = 1000) =>
      daily({
        due: true,
        periodBegan: new Date(now.getTime() - agoMs),
        newest: { ...tierOf({}).newest, durationMs },
      }).state;
    expect(began(HOUR - 1000)).toBe('kept');
    expect(began(HOUR + 1000)).toBe('broken');
    expect(began(2 * HOUR, 1.5 * HOUR)).toBe('kept');
    expect(began(3 * HOUR + 1000, 1.5 * HOUR)).toBe('broken');
  });

  it('is broken where it is damaged or was never made, and nothing where nobody asked for it', () => {
    const damaged = { ...tierOf({}).newest!, verified: { at: now, ok: false } };
    expect(daily({ newest: damaged })).toMatchObject({ state: 'broken', runbook: 'runbooks/backup-corrupt.md' });
    expect(daily({ newest: null })).toMatchObject({ state: 'broken', fix: 'structdb backup' });
    expect(daily({ newest: null, asked: false }).state).toBe('none');
    expect(daily({ newest: { ...damaged, verified: null } })).toMatchObject({
      state: 'kept',
      message: expect.stringContaining('not verified yet'),
    });
  });

  it('is unknown where its store cannot be read, and tells what it was', () => {
    expect(daily({ error: 'refused' })).toMatchObject({
      state: 'unknown',
      message: 'The daily dump in "local" cannot be read: refused',
      details: ['As it was read last: 20261130T020000.000Z-dump-app, made 10 h 00 min ago.'],
    });
  });

  it('was made for a tier that nobody asked for, and is missed when it stops', () => {
    const stopped = { asked: false, due: true, periodBegan: new Date(now.getTime() - 2 * HOUR) };
    expect(daily(stopped).state).toBe('broken');
  });
});

describe('the archive', () => {
  const found = goodFacts().wal;
  const server = found.ok ? found.value!.server! : undefined;
  const archiving = (changed: object, rest: object = {}) =>
    one('wal.archiving', {
      wal: read({ ...(found.ok && found.value!), ...rest, server: { ...server!, ...changed } } as never),
    });

  it('is broken when it fails, when nobody receives, and when segments wait longer than the loss that is promised', () => {
    expect(archiving({}).state).toBe('kept');
    expect(archiving({ failing: true, lastFailed: '000000010000000000000009' })).toMatchObject({
      state: 'broken',
      message: expect.stringContaining('Archiving fails at 000000010000000000000009'),
    });
    expect(archiving({ archiveMode: 'off' })).toMatchObject({ state: 'broken', fix: expect.stringMatching(/receive/) });
    expect(archiving({ waiting: 5 }).state).toBe('kept');
    const late = [
      { ...clusterOf(), timelines: [{ ...clusterOf().timelines[0]!, newestAt: new Date(now.getTime() - HOUR) }] },
    ];
    expect(archiving({ waiting: 5 }, { clusters: late })).toMatchObject({
      state: 'broken',
      message: expect.stringContaining('5 segments wait'),
      measured: { value: 5 },
    });
    for (const archiveTimeoutSeconds of [0, 301]) {
      expect(archiving({ archiveTimeoutSeconds })).toMatchObject({
        state: 'broken',
        fix: expect.stringContaining('archive_timeout'),
      });
    }
    const slot = { name: 'structdb', created: false, wasLost: false, active: true, restartLsn: null, lagBytes: 0 };
    expect(archiving({ archiveTimeoutSeconds: 0, slot }).state).toBe('kept');
    // An idle server closes no segment: nothing waits, and nothing is lost.
    expect(archiving({ waiting: 0 }, { clusters: late }).state).toBe('kept');
  });

  it('is unknown while the server is down, and says when the newest segment came', () => {
    const wal = read({ ...(found.ok && found.value!), server: null, serverError: 'refused' } as never);
    expect(one('wal.archiving', { wal })).toMatchObject({
      state: 'unknown',
      details: ['The newest segment was archived 30.0 s ago.'],
    });
    expect(one('wal.complete', { wal }).state).toBe('kept');
  });

  it('is broken by a hole inside of the recovery window only', () => {
    const hole = { segment: '000000010000000000000007', base: 'b', inWindow: true, since: null };
    const wal = (missing: object[]) => ({
      wal: read({ ...(found.ok && found.value!), clusters: [{ ...clusterOf(), missing }] } as never),
    });
    expect(one('wal.complete', wal([hole])).state).toBe('broken');
    expect(one('wal.complete', wal([{ ...hole, inWindow: false }])).state).toBe('kept');
  });

  function clusterOf() {
    if (!found.ok) throw new Error('no WAL');
    return found.value!.clusters[0]!;
  }
});

describe('drills', () => {
  const facts = goodFacts().drills;
  const good = facts.ok ? facts.value[0]!.last : undefined;
  const drills = (...lasts: object[]) => ({
    drills: read(lasts.map((last) => ({ last: { ...good!, ...last }, lastGood: null }))),
  });

  it('are broken when none was run, the last failed, is stale, or took too long', () => {
    expect(one('drill.fresh', { drills: read([]) })).toMatchObject({ state: 'broken', fix: 'structdb dr-test' });
    expect(one('drill.fresh', drills({ ok: false, code: 'CHECK_FAILED' }))).toMatchObject({
      state: 'broken',
      message: 'The last drill of a base failed 3 days ago (CHECK_FAILED).',
    });
    const old = new Date(now.getTime() - 9 * DAY).toISOString();
    expect(one('drill.fresh', drills({ at: old }))).toMatchObject({
      state: 'broken',
      message: 'The last drill was 9 days ago; one every 8 days is promised.',
    });
    expect(one('recovery.rto', drills({ rtoMs: HOUR }))).toMatchObject({
      state: 'broken',
      measured: { value: 3600, limit: 900, unit: 's' },
    });
    expect(one('recovery.rpo', drills({ rpoMs: HOUR })).state).toBe('broken');
    expect(one('recovery.rpo', drills({ kind: 'dump', rpoMs: null })).state).toBe('none');
  });

  it('of one kind that failed are not mended by a good one of another', () => {
    const later = new Date(now.getTime() - HOUR).toISOString();
    expect(one('drill.fresh', drills({ kind: 'dump', at: later }, { ok: false })).state).toBe('broken');
  });
});

describe('what the server says', () => {
  it('is one broken promise when it does not answer, and the others are not guessed', () => {
    const down = judge({}, [{ ...goodLive(), up: false, problems: ['connection refused'] }]);
    expect(down.find(({ id }) => id === 'server.up')).toMatchObject({
      state: 'broken',
      details: ['connection refused'],
    });
    expect(down.some(({ id }) => id === 'connections')).toBe(false);
  });

  it('tells a server that is down from one that refuses the monitor', () => {
    const down = { ...goodLive(), up: false };
    expect(one('server.up', {}, [down])).toMatchObject({
      message: 'structdb on localhost:5432 does not answer.',
      runbook: 'runbooks/server-killed.md',
    });
    expect(one('server.up', {}, [{ ...down, refuses: true }])).toMatchObject({
      state: 'broken',
      message: 'structdb on localhost:5432 refuses the monitor.',
      fix: expect.stringContaining('password'),
      runbook: 'monitoring.md#the-role',
    });
  });

  it('of a second database goes by its name', () => {
    const second = { ...goodLive(), name: 'other on localhost:5432', up: false };
    expect(one('server.up other on localhost:5432', {}, [goodLive(), second]).state).toBe('broken');
    expect(one('server.up', {}, [goodLive(), second]).state).toBe('kept');
  });

  it('is judged by the median of several samples, and not by one', () => {
    const live = goodLive();
    const bad = { ...live.history[0]!, indexHitRatio: 0.5 };
    const of = (history: (typeof live.history)[number][]) => [{ ...live, history }];
    expect(one('index.hit-rate', {}, of([bad])).state).toBe('none');
    expect(one('index.hit-rate', {}, of([...live.history, bad])).state).toBe('kept');
    expect(one('index.hit-rate', {}, of([bad, bad, bad]))).toMatchObject({
      state: 'broken',
      message: 'The index hit rate is 50.0 % of 95.0 %.',
    });
  });

  it('never rounds a rate up to its limit', () => {
    const live = goodLive();
    const history = [1, 2, 3].map(() => ({ ...live.history[0]!, cacheHitRatio: 0.98996 }));
    expect(one('cache.hit-rate', {}, [{ ...live, history }])).toMatchObject({
      state: 'broken',
      message: 'The cache hit rate is 98.9 % of 99.0 %.',
    });
  });
});

describe('the schema, benchmarks and disks', () => {
  it('break promises with the command that mends them', () => {
    const status = goodFacts().migrations;
    const migrations = (state: string) =>
      read({
        ...(status.ok && status.value),
        pending: state === 'pending' ? ['002_more'] : [],
        migrations: [{ ...(status.ok && status.value.migrations[1]), state }],
      } as never);
    expect(one('schema.migrations', { migrations: migrations('pending') })).toMatchObject({
      state: 'broken',
      fix: 'Run: structdb migrate up',
    });
    expect(one('schema.migrations', { migrations: migrations('edited') })).toMatchObject({
      state: 'broken',
      fix: 'After a deliberate edit: structdb migrate repair 002_more',
    });
    expect(one('schema.audit', { auditTriggers: read([{ name: 'x_refuse_change', ok: false }]) })).toMatchObject({
      state: 'broken',
      message: 'The audit log is not protected: x_refuse_change is missing, disabled or altered.',
    });
    const query = { name: 'slow', class: 'simple', p95Ms: 20, targetMs: 10, verdict: 'missed' };
    expect(one('bench.targets', { bench: read({ at: now, verdict: 'missed', queries: [query] }) })).toMatchObject({
      state: 'broken',
      details: ['slow: p95 20 ms of 10 ms'],
    });
    expect(
      one('disk.store-local', { disks: read([{ place: 'store local', freeBytes: 9, sizeBytes: 100 }]) }).state,
    ).toBe('broken');
    const stores = read([{ store: 'local', backups: { dump: 0, base: 0, incremental: 0 }, error: 'no route' }]);
    expect(one('store.local', { stores })).toMatchObject({ state: 'broken', fix: 'structdb doctor' });
  });
});

describe('samples of facts', () => {
  it('are of the families that are listed, with their labels, each series once', () => {
    fc.assert(
      fc.property(everyFacts, (facts) => {
        const seen = new Set<string>();
        for (const { name, labels, value } of factSamples(facts, objectives, 'app')) {
          const metric = OWN_METRICS[name as keyof typeof OWN_METRICS];
          const series = `${name} ${JSON.stringify(labels)}`;
          const wrong = `${Object.keys(labels).sort()}` !== `${[...(metric?.labels ?? ['?'])].sort()}`;
          if (wrong || seen.has(series) || !Number.isFinite(value)) throw new Error(`${series} ${value}`);
          seen.add(series);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('cover every family that does not come from the server at each scrape', () => {
    const names = new Set(factSamples(goodFacts(), objectives, 'app').map(({ name }) => name));
    const ofServer =
      /^structdb_(io|replication|connections?|database|index_hit|cache_hit|transactions|wal_(?!archive|backlog|missing))/;
    expect([...names].sort()).toEqual(
      Object.keys(OWN_METRICS)
        .filter((name) => !ofServer.test(name))
        .sort(),
    );
  });
});
