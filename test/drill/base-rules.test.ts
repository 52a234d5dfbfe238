import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomInstant } from '../../src/drill/base/random-instant.ts';
import { baseVerdict } from '../../src/drill/base/verdict.ts';
import { check } from '../../src/drill/checks.ts';
import { type RecoveryFacts, recoveryPoint } from '../../src/drill/recovery-point.ts';
import { compareRows } from '../../src/drill/scenarios/compare.ts';
import { rowHash } from '../../src/drill/scenarios/marker.ts';
import type { RecoveryWindow } from '../../src/repository/recovery-window.ts';

const T0 = Date.parse('2026-11-25T02:00:00.000Z');
const instant = fc.option(
  fc.integer({ min: 0, max: 10_000_000 }).map((ms) => new Date(T0 + ms)),
  { nil: undefined },
);
const facts: fc.Arbitrary<RecoveryFacts> = fc.record({
  disaster: fc.integer({ min: 0, max: 10_000_000 }).map((ms) => new Date(T0 + ms)),
  objectiveMs: fc.nat(1_000_000),
  judged: fc.constant(true),
  lostCommits: fc.option(fc.nat(5), { nil: undefined }),
  lastCommitAt: instant,
  heartbeatAt: instant,
  segmentClosedAt: instant,
  backupStoppedAt: fc.constant(new Date(T0)),
});

describe('The recovery point', () => {
  it('is the disaster itself when the source has committed nothing more, however long ago it committed last', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const point = recoveryPoint({ ...given, lostCommits: 0 });
        expect(point).toMatchObject({ lossMs: 0, met: true, basis: 'source', lostCommits: 0 });
      }),
    );
  });

  it('is otherwise the newest proof, never later than the disaster, and judged by the objective', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(given.lostCommits !== 0);
        const point = recoveryPoint(given);
        const proofs = [given.lastCommitAt, given.heartbeatAt, given.segmentClosedAt, given.backupStoppedAt];
        const newest = Math.max(...proofs.map((at) => Math.min(at?.getTime() ?? 0, given.disaster.getTime())));
        expect(Date.parse(point.coveredUntil)).toBe(newest);
        expect(point.lossMs).toBe(given.disaster.getTime() - newest);
        expect(point.lossMs).toBeGreaterThanOrEqual(0);
        expect(point.met).toBe(point.lossMs <= given.objectiveMs);
        expect(point.lostCommits).toBe(given.lostCommits ?? null);
      }),
    );
  });
});

const windowOf = (
  fromMs: number,
  lengthMs: number,
  toSource: RecoveryWindow['toSource'] = 'commit',
): RecoveryWindow => ({
  systemIdentifier: '1',
  timeline: 1,
  from: new Date(fromMs).toISOString(),
  to: new Date(fromMs + lengthMs).toISOString(),
  toSource,
  newestCommitAt: toSource === 'commit' ? new Date(fromMs + lengthMs).toISOString() : null,
  endLsn: '0/1',
  missing: null,
  endsInPartial: false,
  bases: ['a'],
});

describe('A random instant', () => {
  const windows = fc
    .array(fc.tuple(fc.nat(1_000_000), fc.integer({ min: 2, max: 1_000_000 })), { minLength: 1, maxLength: 4 })
    .map((spans) => spans.map(([from, length], index) => windowOf(T0 + index * 10_000_000 + from, length)));

  it('lies in a window, before its newest commit, and is the same again with the same seed', () => {
    fc.assert(
      fc.property(windows, fc.nat(2 ** 31 - 1), (given, seed) => {
        const drawn = randomInstant(given, seed)!;
        const { from, to } = drawn.window;
        expect(drawn.at.getTime()).toBeGreaterThanOrEqual(Date.parse(from));
        expect(drawn.at.getTime()).toBeLessThan(Date.parse(to));
        expect(randomInstant(given, seed)).toEqual(drawn);
      }),
    );
  });

  it('is spread over the whole window', () => {
    const [from, length] = [T0, 1000];
    const tenths = new Set<number>();
    for (let seed = 0; seed < 200; seed += 1) {
      const { at } = randomInstant([windowOf(from, length)], seed)!;
      tenths.add(Math.floor((at.getTime() - from) / (length / 10)));
    }
    expect([...tenths].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is none where no commit bounds a window', () => {
    expect(randomInstant([], 1)).toBeUndefined();
    expect(randomInstant([windowOf(T0, 1000, 'upload'), windowOf(T0, 0)], 1)).toBeUndefined();
    expect(randomInstant([windowOf(T0, 1000, 'backup')], 1)).toBeUndefined();
  });
});

const good = {
  label: 'the-backup',
  passedOver: [] as { label: string; reason: string }[],
  hole: undefined as { missing: string; message: string } | undefined,
  checks: [check('files', 'all', [])],
  rto: { measuredMs: 10, objectiveMs: 100, met: true, phases: {} as never },
  rpo: recoveryPoint({
    disaster: new Date(T0),
    objectiveMs: 10,
    judged: true,
    lostCommits: 0,
    lastCommitAt: undefined,
    heartbeatAt: undefined,
    segmentClosedAt: undefined,
    backupStoppedAt: new Date(T0),
  }),
};
/** Each broken promise alone, gravest first. */
const broken = [
  ['BACKUP_CORRUPT', { passedOver: [{ label: 'newer', reason: 'it is cut.' }] }],
  ['CHECK_FAILED', { checks: [check('files', 'all', ['one differs'])] }],
  ['WAL_HOLE', { hole: { missing: 'x', message: 'x is missing' } }],
  ['RTO_EXCEEDED', { rto: { ...good.rto, met: false } }],
  ['RPO_EXCEEDED', { rpo: { ...good.rpo, met: false } }],
] as const;

describe('The verdict on a base backup', () => {
  it('is good when every promise holds', () => {
    expect(baseVerdict(good)).toBeUndefined();
    expect(baseVerdict({ ...good, rpo: { ...good.rpo, judged: false, met: false } })).toBeUndefined();
  });

  it.each(broken)('%s comes before those that are less grave', (code, fault) => {
    const index = broken.findIndex(([each]) => each === code);
    const rest = Object.assign({}, ...broken.slice(index).map(([, each]) => each));
    expect(baseVerdict({ ...good, ...fault })).toMatchObject({ code, exitCode: 4 });
    expect(baseVerdict({ ...good, ...rest })).toMatchObject({ code });
  });
});

describe('The comparison with what was acknowledged', () => {
  const row = (id: number) => {
    const content = { id, written_at: new Date(T0 + id * 50).toISOString(), body: `body ${id}` };
    return { ...content, hash: rowHash(content) };
  };
  const ids = [1, 2, 3, 4, 5];
  const acknowledged = ids.map((id) => ({ id, hash: row(id).hash, atMs: T0 + id * 50, lsn: BigInt(id * 100) }));
  const inDoubt = new Map([[6, row(6).hash]]);
  const compare = (there: ReturnType<typeof row>[], endLsn: bigint | undefined = undefined, rows = 0) =>
    compareRows(there, { acknowledged, inDoubt }, { endLsn, rows });

  it('finds nothing wrong when all are there, with or without the row that was not answered', () => {
    const none = { lost: 0, lostMs: 0, damaged: [], recovered: 5, acknowledged: 5 };
    expect(compare(ids.map(row))).toMatchObject(none);
    expect(compare([...ids, 6].map(row))).toMatchObject(none);
  });

  it('counts what is lost, of it what was archived or secured, and the span behind the last complete row', () => {
    expect(compare([1, 2, 3].map(row), 400n, 4)).toMatchObject({
      lost: 2,
      lostArchived: 1,
      lostSecured: 1,
      lostMs: 100,
    });
    // A row in the middle: what is behind it does not make it good.
    expect(compare([1, 3, 4, 5].map(row), 500n)).toMatchObject({ lost: 1, lostArchived: 1, lostMs: 200 });
    expect(compare([])).toMatchObject({ lost: 5, recovered: 0, lostMs: 200 });
  });

  it('names rows that hold something else, that nobody wrote, or that are there twice', () => {
    const altered = { ...row(2), body: 'body ?' };
    const swapped = { ...row(3), hash: row(4).hash };
    expect(compare([row(1), altered, swapped, row(4), row(5), row(9), row(5)]).damaged).toEqual([
      'row 2 holds something else',
      'row 3 holds something else',
      'row 9 was never written',
      'row 5 is there twice',
    ]);
  });
});
