import { describe, expect, it } from '@jest/globals';
import { type LiveCounters, LiveHistory, liveCounters, ratesBetween } from '../../src/monitor/live-history.ts';

const start: LiveCounters = {
  at: new Date(0),
  ms: 0,
  since: 'start',
  commits: 100,
  rollbacks: 10,
  blocksHit: 1000,
  blocksRead: 1000,
  indexHit: 50,
  indexRead: 50,
  connections: { used: 3, max: 97, byState: { active: 3 } },
};

describe('what happened between two scrapes', () => {
  it('is worked out from what was counted meanwhile, not since ever', () => {
    const now = { ...start, ms: 10_000, commits: 150, rollbacks: 11, blocksHit: 1099, blocksRead: 1001, indexHit: 53 };
    expect(ratesBetween(start, now)).toEqual({
      commitsPerSecond: 5,
      rollbacksPerSecond: 0.1,
      cacheHitRatio: 0.99,
      indexHitRatio: 1,
    });
  });

  it('is unknown without reads, and before the second scrape', () => {
    expect(ratesBetween(start, { ...start, ms: 1000 })).toEqual({
      commitsPerSecond: 0,
      rollbacksPerSecond: 0,
      cacheHitRatio: null,
      indexHitRatio: null,
    });
    expect(Object.values(ratesBetween(undefined, start))).toEqual([null, null, null, null]);
  });

  it('is unknown over a restart or a reset, and where a count went back', () => {
    expect(Object.values(ratesBetween(start, { ...start, ms: 1000, since: 'reset', commits: 500 }))).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(ratesBetween(start, { ...start, ms: 1000, commits: 50, indexHit: 0 })).toMatchObject({
      commitsPerSecond: null,
      indexHitRatio: null,
    });
  });
});

describe('the history in memory', () => {
  it('keeps a sample each time it is due, whoever asks in between, and forgets the oldest', () => {
    const history = new LiveHistory(15_000, 60_000);
    for (let ms = 0; ms < 150_000; ms += 5000)
      history.add({ ...start, at: new Date(ms), ms, commits: 100 + ms / 1000 });
    const { samples } = history;
    expect(samples.map(({ at }) => at.getTime())).toEqual([90_000, 105_000, 120_000, 135_000]);
    // Over the whole 15 s, not over the 5 s of the last scrape.
    expect(samples.map(({ commitsPerSecond }) => commitsPerSecond)).toEqual([1, 1, 1, 1]);
  });
});

it('a scrape without what the panels need gives no sample', () => {
  const samples = [{ name: 'structdb_connections_limit', labels: {}, value: 97 }];
  expect(liveCounters({ at: new Date(0), ms: 0 }, 'db', samples, [])).toBeUndefined();
  const counted = [
    ...samples,
    { name: 'pg_stat_database_xact_commit', labels: { datname: 'db', datid: '5' }, value: 7 },
  ];
  expect(liveCounters({ at: new Date(0), ms: 0 }, 'db', counted, [])).toMatchObject({ commits: 7 });
  expect(liveCounters({ at: new Date(0), ms: 0 }, 'other', counted, [])).toBeUndefined();
});
