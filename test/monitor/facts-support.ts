import fc from 'fast-check';
import type { Fact } from '../../src/monitor/facts/fact.ts';
import type { Facts, TierFacts } from '../../src/monitor/facts/facts.ts';
import type { LiveState } from '../../src/monitor/live.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const now = new Date('2026-11-30T12:00:00Z');

const before = (ms: number) => new Date(now.getTime() - ms);
const SYSTEM = '7312000000000000000';

/** A part that was read. */
export function read<T>(value: T, at: Date = now): Extract<Fact<T>, { ok: true }> {
  return { ok: true, at, value, stale: null };
}

/** The daily tier with a verified backup of today; `changed` on top. */
export function tierOf(changed: Partial<TierFacts> | object): TierFacts {
  return {
    tier: 'daily',
    kind: 'dump',
    store: 'local',
    asked: true,
    intervalMs: DAY,
    periodBegan: before(10 * HOUR),
    due: false,
    newest: {
      label: '20261130T020000.000Z-dump-app',
      at: before(10 * HOUR),
      durationMs: 2000,
      sizeBytes: 1_000_000,
      verified: { at: before(9 * HOUR), ok: true },
    },
    ...changed,
  };
}

/** Everything as it should be. */
export function goodFacts(): Facts {
  const migration = (name: string) => ({
    name,
    state: 'applied' as const,
    transactional: true,
    hasDown: true,
    appliedAt: before(DAY).toISOString(),
    appliedBy: 'ada',
    durationMs: 3,
    toolVersion: '0.1.0',
    checksum: 'c',
  });
  const drill = {
    at: before(3 * DAY).toISOString(),
    kind: 'base' as const,
    label: '20261127T020000.000Z-base',
    systemIdentifier: SYSTEM,
    rtoMs: 41_000,
    rpoMs: 2000,
    lostCommits: 0,
    bytesPerSecond: 1e8,
    checks: { good: 9, all: 9 },
    ok: true,
    code: null,
    evidence: 'drills/x.json',
  };
  const window = { from: new Date('2026-11-20T02:00:00Z'), to: before(12_000) };
  return {
    migrations: read({
      database: 'app',
      current: '002_more',
      pending: [],
      migrations: [migration('001_core'), migration('002_more')],
    }),
    auditTriggers: read([
      { name: 'project_events_refuse_change', ok: true },
      { name: 'project_events_refuse_truncate', ok: true },
    ]),
    tiers: read([
      tierOf({}),
      tierOf({ tier: 'weekly', kind: 'base', intervalMs: 7 * DAY }),
      tierOf({ tier: 'monthly', kind: 'base', intervalMs: 31 * DAY }),
    ]),
    stores: read([{ store: 'local', backups: { dump: 3, base: 2, incremental: 0 }, error: null }]),
    wal: read({
      walStore: '/backups',
      clusters: [
        {
          systemIdentifier: SYSTEM,
          timelines: [
            {
              timeline: 1,
              segments: 42,
              sizeBytes: 42_000_000,
              oldest: '000000010000000000000001',
              newest: '00000001000000000000002A',
              newestAt: before(30_000),
              holes: [],
            },
          ],
          partials: 0,
          sizeBytes: 42_000_000,
          windows: [],
          baseBackups: 2,
          missing: [],
        },
      ],
      server: {
        systemIdentifier: SYSTEM,
        segmentSizeBytes: 16 * 1024 * 1024,
        archiveMode: 'on',
        archiveTimeoutSeconds: 60,
        lastArchived: '00000001000000000000002A',
        lastArchivedAt: before(30_000).toISOString(),
        failedCount: 0,
        lastFailed: null,
        lastFailedAt: null,
        failing: false,
        waiting: 0,
        current: '00000001000000000000002B',
        slot: null,
        behindSegments: 0,
      },
      serverError: null,
      trimLimitBytes: null,
      work: [],
    }),
    window: read({ ...window, objectiveMs: 7 * DAY, holes: [], lostFrom: null }),
    drills: read([{ last: drill, lastGood: drill }]),
    bench: read({
      at: before(2 * DAY),
      verdict: 'met',
      queries: [{ name: 'by-id', class: 'simple', p95Ms: 1, targetMs: 10, verdict: 'met' }],
    }),
    disks: read([{ place: 'store local', freeBytes: 50 * 1024 ** 3, sizeBytes: 100 * 1024 ** 3 }]),
  };
}

/** A database that answers, with three samples. */
export function goodLive(): LiveState {
  const sample = {
    at: now,
    indexHitRatio: 0.995,
    cacheHitRatio: 0.999,
    connections: { used: 12, max: 97, byState: { active: 2, idle: 10 } },
    commitsPerSecond: 10,
    rollbacksPerSecond: 0,
  };
  return {
    name: 'structdb on localhost:5432',
    up: true,
    refuses: false,
    problems: [],
    serverVersion: '15.18',
    startedAt: before(DAY),
    inRecovery: false,
    history: [sample, sample, sample],
    slowQueries: [],
  };
}

const instant = fc.integer({ min: -400 * DAY, max: HOUR }).map((ms) => new Date(now.getTime() + ms));
const duration = fc.integer({ min: 0, max: 40 * DAY });

function factOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Fact<T>> {
  const failure = fc.record({
    at: instant,
    error: fc.constantFrom('refused', 'timed out'),
    hint: fc.constantFrom(null, 'do x'),
  });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ ok: fc.constant(true as const), at: instant, value, stale: fc.option(failure) }),
    },
    { weight: 1, arbitrary: failure.map((each) => ({ ok: false as const, ...each })) },
  );
}

/** The good value with fields drawn anew. */
function varied<T extends object>(good: T, fields: { readonly [K in keyof T]?: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields as { [K in keyof T]: fc.Arbitrary<T[K]> }).map((changed) => ({ ...good, ...changed }));
}

const good = goodFacts();
const of = <T>(fact: Fact<T>): T => {
  if (!fact.ok) throw new Error('a good fact');
  return fact.value;
};

const goodTier = tierOf({});
const tier = (name: TierFacts['tier']) =>
  varied<TierFacts>(
    { ...goodTier, tier: name },
    {
      kind: fc.constantFrom('dump', 'base', 'incremental'),
      error: fc.option(fc.constant('refused')),
      asked: fc.boolean(),
      due: fc.boolean(),
      periodBegan: instant,
      newest: fc.option(
        fc.record({
          label: fc.constant('x'),
          at: instant,
          durationMs: fc.option(duration),
          sizeBytes: fc.option(fc.nat()),
          verified: fc.option(fc.record({ at: instant, ok: fc.boolean() })),
        }),
      ),
    },
  );

const goodWal = of(good.wal)!;
const goodCluster = goodWal.clusters[0]!;
const segment = fc.constantFrom('000000010000000000000001', '0000000100000000000000FF');
const wal = varied(goodWal, {
  clusters: fc.array(
    varied(goodCluster, {
      timelines: fc.array(varied(goodCluster.timelines[0]!, { newestAt: instant, segments: fc.nat() }), {
        maxLength: 2,
      }),
      missing: fc.array(
        fc.record({ segment, base: fc.constant('b'), inWindow: fc.boolean(), since: fc.option(fc.constant('2026')) }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
  server: fc.option(
    varied(goodWal.server!, {
      archiveMode: fc.constantFrom('on', 'off', 'always'),
      archiveTimeoutSeconds: fc.constantFrom(0, 60, 3600),
      failing: fc.boolean(),
      waiting: fc.option(fc.nat({ max: 9 })),
      behindSegments: fc.option(fc.nat({ max: 9 })),
      lastFailed: fc.option(segment),
      slot: fc.option(
        fc.record({
          name: fc.constant('structdb'),
          created: fc.boolean(),
          wasLost: fc.boolean(),
          active: fc.boolean(),
          restartLsn: fc.constant(null),
          lagBytes: fc.nat(),
        }),
      ),
    }),
  ),
  work: fc.constantFrom([], ['2 files wait.']),
});

const goodDrill = of(good.drills)[0]!.last;
const drill = (kind: 'dump' | 'base') =>
  varied(goodDrill, {
    kind: fc.constant(kind),
    at: instant.map((at) => at.toISOString()),
    rtoMs: fc.option(duration),
    rpoMs: fc.option(duration),
    ok: fc.boolean(),
    code: fc.option(fc.constant('CHECK_FAILED')),
  });
const drills = fc
  .subarray(['dump', 'base'] as const)
  .chain((kinds) =>
    fc.tuple(...kinds.map((kind) => fc.record({ last: drill(kind), lastGood: fc.option(drill(kind)) }))),
  );

/** Facts of every kind. */
export const everyFacts: fc.Arbitrary<Facts> = fc.record({
  migrations: factOf(
    varied(of(good.migrations), {
      migrations: fc.array(
        varied(of(good.migrations).migrations[0]!, {
          state: fc.constantFrom('applied', 'pending', 'edited', 'missing file', 'out of order'),
        }),
        { maxLength: 3 },
      ),
      pending: fc.constantFrom([], ['002_more']),
      current: fc.option(fc.constant('001_core')),
    }),
  ),
  auditTriggers: factOf(
    fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b'), ok: fc.boolean() }), { selector: ({ name }) => name }),
  ),
  tiers: factOf(fc.tuple(tier('daily'), tier('weekly'), tier('monthly'))),
  stores: factOf(
    fc.uniqueArray(
      fc.record({
        store: fc.constantFrom('local', 's3'),
        backups: fc.record({ dump: fc.nat(), base: fc.nat(), incremental: fc.nat() }),
        error: fc.option(fc.constant('refused')),
      }),
      { selector: ({ store }) => store },
    ),
  ),
  wal: factOf(fc.option(wal)),
  window: factOf(
    fc.option(
      fc.record({
        from: instant,
        to: instant,
        objectiveMs: fc.constant(7 * DAY),
        holes: fc.array(fc.record({ segment, lastBefore: instant }), { maxLength: 2 }),
        lostFrom: fc.option(instant),
      }),
    ),
  ),
  drills: factOf(drills),
  bench: factOf(
    fc.option(
      fc.record({
        at: instant,
        verdict: fc.constantFrom('met', 'missed', 'inconclusive'),
        queries: fc.uniqueArray(
          fc.record({
            name: fc.constantFrom('q', 'r', 's'),
            class: fc.constantFrom('simple', 'complex'),
            p95Ms: fc.double({ min: 0, max: 1e4, noNaN: true }),
            targetMs: fc.constant(10),
            verdict: fc.constantFrom('met', 'missed', 'inconclusive'),
          }),
          { selector: ({ name }) => name },
        ),
      }),
    ),
  ),
  disks: factOf(
    fc.uniqueArray(
      fc.record({
        place: fc.constantFrom('store local', 'data directory'),
        freeBytes: fc.nat(),
        sizeBytes: fc.nat(),
      }),
      { selector: ({ place }) => place },
    ),
  ),
});

const ratio = fc.option(fc.double({ min: 0, max: 1, noNaN: true }));

/** Up to two databases in every state. */
export const everyLive: fc.Arbitrary<LiveState[]> = fc
  .tuple(
    ...['a on h:1', 'b on h:1'].map((name) =>
      varied(goodLive(), {
        name: fc.constant(name),
        up: fc.boolean(),
        refuses: fc.boolean(),
        problems: fc.constantFrom([], ['refused']),
        serverVersion: fc.option(fc.constant('15.18')),
        inRecovery: fc.option(fc.boolean()),
        history: fc.array(
          varied(goodLive().history[0]!, {
            indexHitRatio: ratio,
            cacheHitRatio: ratio,
            connections: fc.record({
              used: fc.nat({ max: 100 }),
              max: fc.nat({ max: 100 }),
              byState: fc.constant({ active: 1 }),
            }),
          }),
          { maxLength: 5 },
        ),
      }),
    ),
  )
  .map((all) => all as LiveState[]);
