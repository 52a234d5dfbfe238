import { configSchema } from '../../src/config/schema.ts';
import type { LiveSample, LiveState, SlowQuery } from '../../src/monitor/live.ts';
import type { PromiseVerdict } from '../../src/monitor/promise.ts';
import type { MonitorView } from '../../src/monitor/view.ts';

const { objectives } = configSchema.parse({});

export const AT = new Date('2026-11-30T02:15:30.000Z');

export function promise(
  id: string,
  state: PromiseVerdict['state'],
  more: Partial<PromiseVerdict> = {},
): PromiseVerdict {
  return { id, state, message: `${id} is ${state}`, details: [], fix: null, runbook: null, measured: null, ...more };
}

export const KEPT: readonly PromiseVerdict[] = [
  promise('recovery.window', 'kept', {
    message: 'Recoverable from 2026-11-22 02:00:04 UTC to 12 s ago',
    details: ['7 days are promised, 8 days are there.'],
  }),
  promise('drill.fresh', 'kept', { message: 'Last drill 3 days ago, RTO 41 s of 15 min' }),
  promise('server.up', 'kept', { message: 'structdb on localhost:5432 answers' }),
  promise('migrations', 'kept', { message: 'All 6 migrations are applied and unaltered' }),
  promise('backup.daily', 'kept', { message: 'Daily base backup 15 min ago, verified' }),
  promise('wal.archive', 'kept', { message: 'The archive is 12 s behind, no segment is missing' }),
];

/** Samples every 15 s up to `AT` that look like a day at work. */
export function samples(count: number, change: (sample: LiveSample, place: number) => LiveSample = (all) => all) {
  return Array.from({ length: count }, (_, place): LiveSample => {
    const wave = Math.sin(place / 17) + 0.5 * Math.sin(place / 5.3);
    const active = Math.max(1, Math.round(4 + 3 * wave));
    const idle = 11 + (place % 3);
    const waiting = place % 29 < 4 ? 2 : 0;
    return change(
      {
        at: new Date(AT.getTime() - (count - 1 - place) * 15_000),
        indexHitRatio: 0.9988 + 0.001 * Math.sin(place / 9),
        cacheHitRatio: 0.9962 + 0.003 * Math.sin(place / 13),
        connections: {
          used: active + idle + waiting,
          max: 97,
          byState: { active, idle, ...(waiting > 0 ? { 'idle in transaction': waiting } : {}) },
        },
        commitsPerSecond: 140 + 60 * wave,
        rollbacksPerSecond: Math.max(0, 2 + 2 * wave),
      },
      place,
    );
  });
}

export const QUERIES: readonly SlowQuery[] = [
  'select status, count(*), avg(confidence) from projects where account_id = $1 and created_at >= $2 group by status',
  'select * from project_events where project_id = $1 order by created_at desc limit $2',
  'insert into audit_log (actor, action, payload) values ($1, $2, $3)',
  'update projects set payload = $1, version = version + $2 where id = $3 and version = $4',
].map((text, place) => ({
  queryId: String(7_233_183_992_393_822_820n - BigInt(place)),
  text,
  calls: 48_210 * (place + 1) ** 2,
  meanMs: 84.2 / (place + 1) ** 2,
  totalMs: 4_059_282 / (place + 1),
  rows: 12_481_020 / (place + 1),
}));

export function database(more: Partial<LiveState> = {}): LiveState {
  return {
    name: 'structdb on localhost:5432',
    up: true,
    refuses: false,
    problems: [],
    serverVersion: '15.18',
    startedAt: new Date('2026-11-29T23:15:30.000Z'),
    inRecovery: false,
    history: samples(240),
    slowQueries: QUERIES,
    ...more,
  };
}

export function viewOf(more: Partial<MonitorView> = {}): MonitorView {
  return {
    at: AT,
    toolVersion: '0.1.0',
    promises: KEPT,
    databases: [database()],
    objectives,
    ...more,
  };
}
