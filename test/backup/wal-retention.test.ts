import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideBackups, type RetentionEntry } from '../../src/backup/retention.ts';
import { decideWal, type WalBase, type WalState, windowNeeds } from '../../src/backup/wal-retention.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { formatLabel } from '../../src/repository/label.ts';
import { reachOf } from '../../src/repository/reach.ts';
import { type Ancestor, pathTo } from '../../src/repository/timeline.ts';
import type { ArchivedFile, ArchivedPartial, WalListing } from '../../src/repository/wal-archive.ts';
import { segmentName, segmentNumberAt, timelineNumber } from '../../src/repository/wal-names.ts';

const SIZE = 16 * 1024 * 1024;
const DAY = 86_400_000;
const start = Date.parse('2026-01-01T00:00:00Z');

/** A cluster's life in an archive: WAL, base backups, failovers, recoveries to an earlier point, losses. */
class Life {
  time = start;
  timeline = 1;
  lsn: Lsn = BigInt(SIZE) * 3n;
  readonly histories = new Map<number, readonly Ancestor[]>();
  readonly segments = new Map<string, ArchivedFile>();
  readonly partials: ArchivedPartial[] = [];
  readonly entries: RetentionEntry[] = [];
  readonly bases = new Map<string, WalBase>();

  passHours(hours: number): void {
    this.time += hours * 3_600_000;
  }

  /** Writes to the end of the open segment, which is archived, and then so many more. */
  write(segments: number): void {
    for (let n = 0; n < segments; n += 1) {
      const number = segmentNumberAt(this.lsn, SIZE);
      const name = segmentName(this.timeline, number, SIZE);
      this.segments.set(name, file(name, this.time));
      this.lsn = (number + 1n) * BigInt(SIZE) + 1000n;
      this.passHours(1);
    }
  }

  backUp(kind: 'base' | 'incremental', verified: boolean): void {
    const parent = this.entries.filter((one) => this.bases.get(one.label)?.timeline === this.timeline).at(-1);
    const own = kind === 'incremental' && parent ? 'incremental' : 'base';
    this.passHours(1);
    const at = new Date(this.time);
    const label = formatLabel({ at, kind: own });
    const startLsn = this.lsn;
    this.lsn += 5000n;
    const { timeline } = this;
    const more = { tiers: ['daily'] as const, purpose: 'schedule', keepLast: null, readable: true, pinned: false };
    this.entries.push({ label, kind: own, at, verified, parent: own === 'base' ? null : parent!.label, ...more });
    this.bases.set(label, { label, timeline, startLsn, stopLsn: this.lsn, consistentAt: at, verified });
  }

  promote(): void {
    this.branch(this.timeline, this.lsn);
  }

  /** A recovery to an earlier point: onto a backup that is there, as far as some later segment. */
  goBack(backup: number, segments: number): void {
    const base = [...this.bases.values()].at(-1 - backup);
    if (base) this.branch(base.timeline, base.stopLsn + BigInt(segments * SIZE));
  }

  lose(nth: number): void {
    const name = [...this.segments.keys()].at(-1 - nth);
    if (name) this.segments.delete(name);
  }

  receive(): void {
    const name = segmentName(this.timeline, segmentNumberAt(this.lsn, SIZE), SIZE);
    this.lsn += 100n;
    this.partials.push({ ...file(name, this.time), key: `partial/${name}`, lsn: this.lsn });
  }

  listing(gone: ReadonlySet<string> = new Set()): WalListing {
    const left = [...this.segments].filter(([, { key }]) => !gone.has(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    const partials = this.partials.filter(({ key }) => !gone.has(key));
    return { segments: new Map(left), partials, histories: new Map(), others: [] };
  }

  private branch(from: number, switchLsn: Lsn): void {
    const next = Math.max(1, this.timeline, ...this.histories.keys()) + 1;
    // What the parent has not written yet cannot be branched off.
    const own = this.histories.get(from) ?? [];
    const at = from === this.timeline && switchLsn > this.lsn ? this.lsn : switchLsn;
    if (own.some((ancestor) => ancestor.switchLsn >= at)) return;
    this.histories.set(next, [...own, { timeline: from, switchLsn: at }]);
    this.timeline = next;
    this.lsn = at;
  }
}

function file(name: string, time: number): ArchivedFile {
  return { name, key: `wal/${name}`, sizeBytes: 100, modifiedAt: new Date(time) };
}

function stateOf(life: Life, windowMs: number, gone?: ReadonlySet<string>): WalState {
  return {
    listing: life.listing(gone),
    histories: life.histories,
    segmentSizeBytes: SIZE,
    windowStart: new Date(life.time - windowMs),
  };
}

/** Every end of an archived segment inside the window, as `timeline/number`, that can be replayed to. */
function reachable(life: Life, bases: readonly WalBase[], wal: WalState): Set<string> {
  const points = new Set<string>();
  for (const timeline of new Set([1, life.timeline, ...life.histories.keys()])) {
    const path = pathTo(timeline, life.histories.get(timeline) ?? []);
    for (const base of bases) {
      const left = life.histories.get(timeline)?.find((one) => one.timeline === base.timeline);
      if (base.timeline !== timeline && !(left && left.switchLsn >= base.stopLsn)) continue;
      const reach = reachOf(base, wal.listing, life.histories, SIZE, timeline);
      for (const { name, modifiedAt } of life.segments.values()) {
        const step = path.find((one) => one.timeline === timelineNumber(name));
        const end = (BigInt(segmentNumberAt(endOf(name), SIZE)) - 0n) * BigInt(SIZE);
        if (!step || (step.endLsn !== undefined && end > step.endLsn)) continue;
        if (modifiedAt < wal.windowStart || modifiedAt < base.consistentAt || end < base.stopLsn) continue;
        if (reach.endLsn >= end) points.add(`${timeline} ${name}`);
      }
    }
  }
  return points;
}

/** The byte behind a segment. */
function endOf(name: string): Lsn {
  const number = BigInt(`0x${name.slice(8, 16)}`) * 256n + BigInt(`0x${name.slice(16)}`);
  return (number + 1n) * BigInt(SIZE);
}

const events = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), n: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('base' as const), ok: fc.integer({ min: 0, max: 7 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('incremental' as const), ok: fc.integer({ min: 0, max: 7 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('promote' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('back' as const), b: fc.nat(2), n: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), n: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('receive' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), n: fc.integer({ min: 1, max: 72 }) }) },
  ),
  { minLength: 6, maxLength: 60 },
);
type Event = typeof events extends fc.Arbitrary<infer T> ? (T extends readonly (infer E)[] ? E : never) : never;

function live(life: Life, event: Event): void {
  if (event.do === 'write') life.write(event.n);
  else if (event.do === 'base' || event.do === 'incremental') life.backUp(event.do, event.ok > 0);
  else if (event.do === 'promote') life.promote();
  else if (event.do === 'back') life.goBack(event.b, event.n);
  else if (event.do === 'lose') life.lose(event.n);
  else if (event.do === 'receive') life.receive();
  else life.passHours(event.n);
}

/** Applies retention as `structdb backup prune` does; returns what is left. `histories`: as far as they are known. */
function prune(life: Life, windowMs: number, keepMs: number, gone: ReadonlySet<string>, isEncrypted: boolean) {
  const seen = stateOf(life, windowMs, gone);
  const wal = isEncrypted ? { ...seen, histories: new Map() } : seen;
  const entries = life.entries.filter(({ label }) => !gone.has(label));
  const bases = entries.map(({ label }) => life.bases.get(label)!);
  const keep = { daily: keepMs, weekly: keepMs, monthly: keepMs };
  const rules = { keepMs: keep, overdue: [], windowNeeds: windowNeeds(bases, wal), now: new Date(life.time) };
  const decisions = decideBackups(entries, rules);
  const dropped = decisions.filter((one) => !one.keep).map(({ label }) => label);
  const kept = bases.filter(({ label }) => !dropped.includes(label));
  const newest = entries.at(-1);
  const ranges = decideWal(kept, wal, newest && !newest.verified ? 'unverified' : undefined);
  const keys = ranges.filter((one) => !one.keep).flatMap((one) => one.keys);
  return { gone: new Set([...gone, ...dropped, ...keys]), changed: dropped.length + keys.length };
}

describe('Retention of WAL', () => {
  it('keeps all from the newest base backup that is older than the window', () => {
    const life = new Life();
    life.write(5);
    life.backUp('base', true);
    life.write(20);
    life.backUp('base', true);
    life.write(200);
    const bases = [...life.bases.values()];
    const [gone, kept] = decideWal(bases, stateOf(life, 7 * DAY), undefined);
    expect(gone).toMatchObject({ keep: false, segments: 25, sizeBytes: 2500, timeline: 1 });
    expect(kept).toMatchObject({ keep: true, segments: 200, reason: `replayed onto ${bases[1]!.label}` });
    expect(kept!.first).toBe(segmentName(1, segmentNumberAt(bases[1]!.startLsn, SIZE), SIZE));
    expect([...windowNeeds(bases, stateOf(life, 7 * DAY))]).toEqual([bases[1]!.label]);
  });

  it('keeps all while no base backup is old enough, and while there is none', () => {
    const life = new Life();
    life.write(50);
    expect(decideWal([], stateOf(life, DAY), undefined)).toMatchObject([{ keep: true, segments: 50 }]);
    life.backUp('base', true);
    life.write(10);
    const wal = stateOf(life, 7 * DAY);
    expect(decideWal([...life.bases.values()], wal, undefined)).toMatchObject([{ keep: true, segments: 60 }]);
  });

  it('goes by a verified backup, and drops nothing for a reason given', () => {
    const life = new Life();
    life.backUp('base', true);
    life.write(40);
    life.backUp('base', false);
    life.write(40);
    const bases = [...life.bases.values()];
    expect(decideWal(bases, stateOf(life, DAY), undefined)).toMatchObject([{ keep: true, segments: 80 }]);
    expect(decideWal(bases, stateOf(life, DAY), 'so')).toMatchObject([{ keep: true, reason: 'so' }]);
  });

  it('drops a timeline that was abandoned when no kept backup leads onto it, and the files beside its segments', () => {
    const life = new Life();
    life.backUp('base', true);
    const before = life.lsn;
    life.write(30);
    life.receive();
    life.goBack(0, 2);
    life.write(2);
    life.backUp('base', true);
    life.write(60);
    const [first, second] = [...life.bases.values()];
    const kept = (bases: readonly WalBase[]) =>
      decideWal(bases, stateOf(life, DAY), undefined)
        .filter(({ keep }) => keep)
        .map(({ timeline }) => timeline);
    expect(kept([first!, second!])).toContain(1);
    expect(kept([second!])).toEqual([2]);
    const gone = decideWal([second!], stateOf(life, DAY), undefined).filter(({ keep }) => !keep);
    expect(gone.flatMap(({ keys }) => keys)).toContain(life.partials[0]!.key);
    expect(before).toBeLessThan(second!.startLsn);
  });

  it('never makes an instant of the window unreachable that was reachable, and does nothing the second time', () => {
    let removed = 0;
    fc.assert(
      fc.property(
        events,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 20 }),
        fc.boolean(),
        (history, windowDays, keepDays, isEncrypted) => {
          const life = new Life();
          let gone: ReadonlySet<string> = new Set();
          const windowMs = windowDays * DAY;
          history.forEach((event, index) => {
            live(life, event);
            if (index % 3 !== 2 && index !== history.length - 1) return;
            const has = (left: ReadonlySet<string>) => [...life.bases.values()].filter(({ label }) => !left.has(label));
            const before = reachable(life, has(gone), stateOf(life, windowMs, gone));
            const after = prune(life, windowMs, keepDays * DAY, gone, isEncrypted);
            removed += after.changed;
            const still = reachable(life, has(after.gone), stateOf(life, windowMs, after.gone));
            expect([...before].filter((point) => !still.has(point))).toEqual([]);
            expect(prune(life, windowMs, keepDays * DAY, after.gone, isEncrypted).changed).toBe(0);
            gone = after.gone;
          });
        },
      ),
      { numRuns: 60 },
    );
    // It would be easy to keep everything.
    expect(removed).toBeGreaterThan(200);
  });
});
