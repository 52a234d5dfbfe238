import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideBackups, type RetentionEntry, type RetentionRules, removalOrder } from '../../src/backup/retention.ts';
import { periodStart } from '../../src/core/period.ts';
import { type BackupKind, formatLabel } from '../../src/repository/label.ts';
import type { Tier } from '../../src/repository/manifest.ts';

const DAY = 86_400_000;
const now = new Date('2026-11-24T12:00:00Z');
const keepMs = { daily: 30 * DAY, weekly: 84 * DAY, monthly: 372 * DAY };
const rules = (more: Partial<RetentionRules> = {}): RetentionRules => ({
  keepMs,
  overdue: [],
  windowNeeds: new Set(),
  now,
  ...more,
});

function entry(daysAgo: number, more: Partial<RetentionEntry> = {}): RetentionEntry {
  const at = new Date(now.getTime() - daysAgo * DAY);
  const kind = more.kind ?? 'dump';
  const database = kind === 'dump' ? (more.database ?? 'app') : undefined;
  return {
    label: formatLabel({ at, kind, database }),
    kind,
    database,
    at,
    tiers: ['daily'],
    purpose: 'schedule',
    keepLast: null,
    parent: null,
    verified: true,
    readable: true,
    pinned: false,
    ...more,
  };
}

const dropped = (entries: readonly RetentionEntry[], more: Partial<RetentionRules> = {}) =>
  decideBackups(entries, rules(more))
    .filter(({ keep }) => !keep)
    .map(({ label }) => label);
const reasonFor = (one: RetentionEntry, entries: readonly RetentionEntry[], more: Partial<RetentionRules> = {}) =>
  decideBackups(entries, rules(more)).find(({ label }) => label === one.label)!.reason;

describe('Retention', () => {
  it('drops what no tier keeps any longer, and says until when the others stay', () => {
    const old = entry(31);
    const month = entry(50, { tiers: ['daily', 'monthly'] });
    const all = [old, month, entry(29), entry(0)];
    expect(dropped(all)).toEqual([old.label]);
    expect(reasonFor(old, all)).toBe('daily ended 2026-11-23');
    expect(reasonFor(month, all)).toBe('monthly until 2027-10-12');
  });

  it('drops nothing while the newest backup is not verified, and never the newest verified one', () => {
    const all = [entry(60), entry(50), entry(0, { verified: false })];
    expect(dropped(all)).toEqual([]);
    expect(reasonFor(all[0]!, all)).toContain('is not verified');
    expect(dropped([entry(60), entry(50)])).toEqual([entry(60).label]);
    expect(reasonFor(entry(50), [entry(60), entry(50)])).toBe('the newest verified dump');
  });

  it('drops nothing by age while a tier is overdue, because the last run failed', () => {
    const all = [entry(31), entry(1), entry(40, { kind: 'base' }), entry(35, { kind: 'base' })];
    const overdue = [{ tier: 'daily', kind: 'dump' }] as const;
    expect(dropped(all, { overdue })).toEqual([entry(40, { kind: 'base' }).label]);
    expect(reasonFor(entry(31), all, { overdue })).toBe('nothing goes while the daily dump is due');
  });

  it('judges each database and the cluster for itself', () => {
    const broken = entry(0, { database: 'other', verified: false });
    const all = [entry(40), entry(1), entry(41, { database: 'other' }), broken];
    expect(dropped(all)).toEqual([entry(40).label]);
  });

  it('keeps what is pinned, what cannot be read, and what the recovery window is reached from', () => {
    const pinned = entry(60, { pinned: true });
    const unreadable = entry(59, { readable: false, verified: false });
    const base = entry(58, { kind: 'base' });
    const all = [pinned, unreadable, base, entry(0), entry(1, { kind: 'base' })];
    expect(dropped(all)).toEqual([base.label]);
    expect(dropped(all, { windowNeeds: new Set([base.label]) })).toEqual([]);
    expect(reasonFor(pinned, all)).toBe('pinned');
    expect(reasonFor(unreadable, all)).toBe('its manifest cannot be read');
  });

  it('keeps a whole chain as long as one increment of it is kept', () => {
    const base = entry(40, { kind: 'base' });
    const first = entry(35, { kind: 'incremental', parent: base.label });
    const second = entry(20, { kind: 'incremental', parent: first.label });
    const other = entry(33, { kind: 'incremental', parent: base.label });
    const all = [base, first, other, second, entry(0, { kind: 'base' })];
    expect(dropped(all)).toEqual([other.label]);
    expect(reasonFor(base, all)).toBe(`needed by ${first.label}`);
    expect(reasonFor(first, all)).toBe(`needed by ${second.label}`);
  });

  it('keeps all that an increment may build on which cannot be read', () => {
    const base = entry(40, { kind: 'base' });
    const unreadable = entry(35, { kind: 'incremental', readable: false, verified: false });
    const between = entry(34, { kind: 'base' });
    expect(dropped([base, unreadable, between, entry(0, { kind: 'base' })])).toEqual([between.label]);
  });

  it('drops only the older ones of its own purpose with --keep-last; the newest says how many', () => {
    const own = { purpose: 'quickstart', tiers: [], keepLast: 2 };
    const all = [
      entry(9, own),
      entry(8, { tiers: [], purpose: 'run' }),
      entry(7, { ...own, purpose: 'run' }),
      entry(6),
      entry(5, { ...own, keepLast: 5 }),
      entry(0, own),
    ];
    expect(dropped(all)).toEqual([entry(9).label]);
    // A daily backup that is due holds up no wish of this kind.
    expect(dropped(all, { overdue: [{ tier: 'daily', kind: 'dump' }] })).toEqual([entry(9).label]);
  });

  it('removes increments before what they build on', () => {
    const base = entry(40, { kind: 'base' });
    const first = entry(39, { kind: 'incremental', parent: base.label });
    const second = entry(38, { kind: 'incremental', parent: first.label });
    expect(removalOrder([base, first, entry(50), second]).map(({ label }) => label)).toEqual([
      second.label,
      first.label,
      entry(50).label,
      base.label,
    ]);
  });
});

/** What a run of cron met: how late it came, whether at all, and what became of its backups. */
interface Run {
  readonly jitterMinutes: number;
  readonly missed: boolean;
  readonly verified: boolean;
  readonly pinned: boolean;
  readonly alsoByHand: 'dump' | 'incremental' | null;
}

const runs = fc.array(
  fc.record({
    jitterMinutes: fc.integer({ min: 0, max: 300 }),
    missed: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    verified: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    pinned: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
    alsoByHand: fc.constantFrom(null, null, 'dump' as const, 'incremental' as const),
  }),
  { minLength: 5, maxLength: 120 },
);

const policies = fc.record({
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
  at: fc.constantFrom('00:00', '02:00', '02:30', '23:30'),
  daily: fc.constantFrom<BackupKind>('dump', 'incremental', 'base'),
  keepDays: fc.record({
    daily: fc.integer({ min: 1, max: 12 }),
    weekly: fc.integer({ min: 1, max: 40 }),
    monthly: fc.integer({ min: 1, max: 100 }),
  }),
});

describe('Whatever the schedule, jitter, missed days, clocks set back, chains and pins', () => {
  it('no kept backup lacks one it builds on, every promise holds, and pruning twice changes nothing', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2024-10-01'), max: new Date('2027-01-15'), noInvalidDate: true }),
        policies,
        runs,
        (start, policy, history) => {
          const tierKinds = { daily: policy.daily, weekly: 'base', monthly: 'base' } as const;
          const keep = {
            daily: policy.keepDays.daily * DAY,
            weekly: policy.keepDays.weekly * DAY,
            monthly: policy.keepDays.monthly * DAY,
          };
          const satisfied = new Map<Tier, number>();
          const made: RetentionEntry[] = [];
          let kept: RetentionEntry[] = [];
          history.forEach((run: Run, index) => {
            const at = new Date(start.getTime() + index * DAY + run.jitterMinutes * 60_000);
            if (run.missed) return;
            const make = (kind: BackupKind, tiers: Tier[], offsetMs: number) => {
              const when = new Date(at.getTime() + offsetMs);
              const parent = kept
                .filter((one) => one.kind !== 'dump')
                .sort(byLabel)
                .at(-1);
              if (kind === 'incremental' && !parent) kind = 'base';
              const database = kind === 'dump' ? 'app' : undefined;
              const label = formatLabel({ at: when, kind, database });
              const { verified, pinned } = run;
              const more = { label, kind, database, at: when, tiers, verified, pinned };
              const own = { ...entry(0, { kind }), ...more, parent: kind === 'incremental' ? parent!.label : null };
              made.push(own);
              kept.push(own);
            };
            const due = (['daily', 'weekly', 'monthly'] as const).filter(
              (tier) => satisfied.get(tier) !== periodStart(tier, at, policy).getTime(),
            );
            for (const kind of ['dump', 'base', 'incremental'] as const) {
              const tiers = due.filter((tier) => tierKinds[tier] === kind);
              if (tiers.length > 0) make(kind, tiers, made.length);
              for (const tier of tiers) satisfied.set(tier, periodStart(tier, at, policy).getTime());
            }
            if (run.alsoByHand) make(run.alsoByHand, [], 60_000);
            const pruneAt = new Date(at.getTime() + 120_000);
            const given = { keepMs: keep, overdue: [], windowNeeds: new Set<string>(), now: pruneAt };
            const stays = new Set(decideBackups(kept, given).flatMap((one) => (one.keep ? [one.label] : [])));
            kept = kept.filter(({ label }) => stays.has(label));
            for (const one of kept) if (one.parent) expect(stays).toContain(one.parent);
            for (const one of made) {
              const promised = one.tiers.some((tier) => pruneAt.getTime() - one.at.getTime() <= keep[tier]);
              if (promised || one.pinned) expect(stays).toContain(one.label);
            }
            for (const kind of ['dump', 'base', 'incremental'] as const) {
              const newest = made
                .filter((one) => one.kind === kind && one.verified)
                .sort(byLabel)
                .at(-1);
              if (newest) expect(stays).toContain(newest.label);
            }
            expect(decideBackups(kept, given).every((one) => one.keep)).toBe(true);
          });
          // And it does let go: of dumps that were scheduled, none stays for ever once newer ones are good.
          const last = made.at(-1);
          if (!last?.verified) return;
          const later = new Date(last.at.getTime() + 400 * DAY);
          const given = { keepMs: keep, overdue: [], windowNeeds: new Set<string>(), now: later };
          const ended = decideBackups(kept, given).filter((one) => one.keep);
          const verifiedDumps = kept.filter((one) => one.kind === 'dump' && one.verified).sort(byLabel);
          const newestDump = kept
            .filter((one) => one.kind === 'dump')
            .sort(byLabel)
            .at(-1);
          for (const { label } of newestDump?.verified ? ended : []) {
            const one = kept.find((each) => each.label === label)!;
            if (one.kind !== 'dump') continue;
            expect(one.pinned || one.tiers.length === 0 || one === verifiedDumps.at(-1)).toBe(true);
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});

function byLabel(a: RetentionEntry, b: RetentionEntry): number {
  return a.label < b.label ? -1 : 1;
}
