import type { BenchResult } from '../../../src/bench/index.ts';
import { configSchema } from '../../../src/config/schema.ts';
import type { PastDrill } from '../../../src/drill/index.ts';
import type { Evidence } from '../../../src/journeys/report/evidence.ts';
import type { Fact } from '../../../src/monitor/facts/fact.ts';
import type { TierFacts } from '../../../src/monitor/facts/facts.ts';
import type { PromiseState, PromiseVerdict } from '../../../src/monitor/promise.ts';
import { reportOfPoints } from '../../bench/report/support.ts';

export const NOW = new Date('2026-11-24T12:00:00Z');
export const DAY_MS = 86_400_000;
export const before = (days: number) => new Date(NOW.getTime() - days * DAY_MS);

/** Each part from nothing to all; more is never less proof. Ages in days. */
export interface World {
  /** Parts that cannot be read. */
  readonly unread: ReadonlySet<string>;
  /** Of four migrations. */
  readonly applied: number;
  readonly schemaSame: boolean | null;
  /** Of three triggers. */
  readonly triggers: number;
  /** Of a hundred rows. */
  readonly sourced: number;
  readonly compared: number;
  /** Of four queries; null: no benchmark. */
  readonly met: number | null;
  readonly benchAge: number;
  readonly tiers: readonly { readonly made: 'none' | 'due' | 'good'; readonly verifiedAge: number | null }[];
  /** Of the seven days that are promised. */
  readonly reachDays: number | null;
  readonly archived: boolean;
  readonly drills: readonly { readonly age: number; readonly base: boolean; readonly ok: boolean }[];
  readonly answers: boolean;
  /** Of three promises; one that is broken is known. */
  readonly known: number;
  readonly broken: boolean;
}

/** Nothing is missing. */
export const PERFECT: World = {
  unread: new Set(),
  applied: 4,
  schemaSame: true,
  triggers: 3,
  sourced: 100,
  compared: 100,
  met: 4,
  benchAge: 1,
  tiers: [
    { made: 'good', verifiedAge: 1 },
    { made: 'good', verifiedAge: 2 },
  ],
  reachDays: 7,
  archived: true,
  drills: [{ age: 1, base: true, ok: true }],
  answers: true,
  known: 3,
  broken: false,
};

/** Nothing was ever done. */
export const EMPTY: World = {
  unread: new Set(),
  applied: 0,
  schemaSame: null,
  triggers: 0,
  sourced: 0,
  compared: 0,
  met: null,
  benchAge: 0,
  tiers: [{ made: 'none', verifiedAge: null }],
  reachDays: null,
  archived: false,
  drills: [],
  answers: false,
  known: 0,
  broken: false,
};

/** What a report of that world would have read. */
export function evidenceOf(world: World): Evidence {
  const fact = <T>(part: string, value: T): Fact<T> =>
    world.unread.has(part)
      ? { ok: false, at: NOW, error: `${part} cannot be read`, hint: null }
      : { ok: true, at: NOW, value, stale: null };
  const { backup, objectives } = configSchema.parse({});
  return {
    at: NOW,
    objectives,
    database: 'app on localhost:5432',
    serverVersion: '15.18',
    facts: {
      migrations: fact('migrations', statusOf(world)),
      auditTriggers: fact(
        'auditTriggers',
        [0, 1, 2].map((at) => ({ name: `trigger_${at}`, ok: at < world.triggers })),
      ),
      tiers: fact('tiers', world.tiers.map(tierOf)),
      stores: fact('stores', [{ store: 'local', backups: { dump: 1, base: 1, incremental: 0 }, error: null }]),
      wal: fact('wal', walOf()),
      window: fact(
        'window',
        world.reachDays === null
          ? null
          : {
              from: before(world.reachDays),
              to: before(0.001),
              objectiveMs: backup.wal.recoveryWindow,
              holes: [],
              lostFrom: null,
            },
      ),
      drills: fact('drills', []),
      bench: fact('bench', null),
      disks: fact('disks', [{ place: 'store local', freeBytes: 5e10, sizeBytes: 1e11 }]),
    },
    promises: [
      ...[0, 1, 2].map((at) =>
        promise(`promise.${at}`, world.broken && at === 0 ? 'broken' : at < world.known ? 'kept' : 'unknown'),
      ),
      ...['wal.archiving', 'wal.complete'].map((id) =>
        promise(id, world.archived && !world.unread.has('wal') ? 'kept' : 'none'),
      ),
      ...world.tiers.map(({ made }, at) =>
        promise(`backup.${TIERS[at]}`, made === 'good' && !world.unread.has('tiers') ? 'kept' : 'none'),
      ),
    ],
    schema: fact('schema', {
      database: 'app',
      mode: 'strict',
      scratch: world.schemaSame === null ? null : 'database',
      migrations: [],
      differences:
        world.schemaSame === false ? [{ kind: 'missing', object: 'table a', expected: 'a', found: null } as never] : [],
    }),
    catalogs: fact('catalogs', {
      editions: [editionOf('AISC', world.sourced, 'import'), editionOf('OWN', 100 - world.sourced, null)].filter(
        ({ rows }) => rows > 0,
      ),
      rows: world.sourced === 0 && world.compared === 0 ? 0 : 100,
      releases: [],
      shippedFiles: [],
      compared: [
        {
          file: 'aisc.csv',
          sha256: 'a'.repeat(64),
          format: "AISC's shapes database",
          versioned: false,
          rows: world.compared,
          rejected: 0,
          whole: true,
          differences: [],
        },
      ],
    }),
    bench: fact('bench', world.met === null ? null : benchOf(world.met, world.benchAge)),
    drills: fact(
      'drills',
      world.drills.map(drillOf).toSorted((a, b) => (a.at < b.at ? -1 : 1)),
    ),
    service: world.answers
      ? { ok: true, at: NOW, value: { url: 'http://127.0.0.1:9187/healthz' }, stale: null }
      : { ok: false, at: NOW, error: 'nobody answers', hint: null },
  };
}

const TIERS = ['daily', 'weekly', 'monthly'] as const;

function promise(id: string, state: PromiseState): PromiseVerdict {
  return {
    id,
    state,
    message: `${id} is ${state}.`,
    details: [],
    fix: 'structdb doctor',
    runbook: null,
    measured: null,
  };
}

function statusOf({ applied }: World) {
  const names = ['001', '002', '003', '004'];
  return {
    database: 'app',
    current: applied === 0 ? null : names[applied - 1]!,
    pending: names.slice(applied),
    migrations: names.map((name, at) => ({
      name,
      state: at < applied ? ('applied' as const) : ('pending' as const),
      transactional: true,
      hasDown: true,
      appliedAt: at < applied ? before(9).toISOString() : null,
      appliedBy: at < applied ? 'ada' : null,
      durationMs: 5,
      toolVersion: '0.1.0',
      checksum: at < applied ? 'b'.repeat(64) : null,
    })),
  };
}

function tierOf({ made, verifiedAge }: World['tiers'][number], at: number): TierFacts {
  const tier = TIERS[at]!;
  const age = made === 'due' ? 2 : 0.4;
  return {
    tier,
    store: 'local',
    kind: at === 0 ? 'dump' : 'base',
    asked: true,
    periodBegan: before(0.4),
    intervalMs: [1, 7, 31][at]! * DAY_MS,
    due: made !== 'good',
    newest:
      made === 'none'
        ? null
        : {
            label: `20261124T0200${at}-${tier}`,
            at: before(age),
            durationMs: 4_000,
            sizeBytes: 5_000_000,
            verified: verifiedAge === null ? null : { at: before(verifiedAge), ok: true },
          },
  };
}

function walOf() {
  return {
    walStore: '/backups',
    clusters: [],
    server: null,
    serverError: null,
    trimLimitBytes: null,
    work: [],
  };
}

function editionOf(standard: string, rows: number, origin: 'import' | null) {
  const edition = { standard, edition: 'v16.0', unitSystem: 'US' as const, variant: '' };
  return {
    ...edition,
    kind: 'shape' as const,
    rows,
    retired: 0,
    migration: null,
    import:
      origin === null
        ? null
        : {
            id: 3,
            at: before(5).toISOString(),
            by: 'ada',
            file: 'aisc.csv',
            sha256: 'a'.repeat(64),
            contentSha256: 'c'.repeat(64),
            format: "AISC's shapes database",
            encoding: 'utf-8',
            editions: [{ ...edition, rows }],
            toolVersion: '0.1.0',
            inserted: rows,
            updated: 0,
            unchanged: 0,
            retired: 0,
            rejected: 0,
          },
  };
}

const MEASURED = reportOfPoints(
  ['a', 'b', 'c', 'd'].map((name) => ({ name, class: 'simple', medianMs: 1 })),
  [{ projects: 10_000, clients: 4 }],
).result;

function benchOf(met: number, age: number): BenchResult {
  const [point] = MEASURED.points;
  const queries = point!.queries.map((query, at) => ({
    ...query,
    verdict: at < met ? ('pass' as const) : ('inconclusive' as const),
  }));
  const verdict = met === 4 ? ('pass' as const) : ('inconclusive' as const);
  return { ...MEASURED, at: before(age).toISOString(), verdict, points: [{ ...point!, queries, verdict }] };
}

function drillOf({ age, base, ok }: World['drills'][number]): PastDrill {
  return {
    at: before(age).toISOString(),
    kind: base ? 'base' : 'dump',
    label: `drill-${age}`,
    systemIdentifier: '7',
    rtoMs: 641_000,
    rpoMs: base ? 0 : null,
    lostCommits: base ? 0 : null,
    bytesPerSecond: 1e8,
    checks: { good: ok ? 12 : 11, all: 12 },
    ok,
    code: ok ? null : 'CHECK_FAILED',
    evidence: 'drills/x.json',
  };
}
