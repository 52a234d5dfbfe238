import { expect, it } from '@jest/globals';
import { ProgressLines } from '../../src/cli/progress-lines.ts';
import type { ProgressEvent } from '../../src/core/progress.ts';

const load = (done: number): ProgressEvent => ({
  kind: 'progress',
  step: 'bench.load',
  done,
  total: 3000,
  unit: 'rows',
});

it('Where there is no terminal, a step that goes on is told of every half minute, and a short one is not', () => {
  let now = 0;
  const lines = new ProgressLines(() => now);
  const after = (seconds: number, event: ProgressEvent) => {
    now += seconds * 1000;
    return lines.lineOf(event);
  };
  expect(after(5, { kind: 'step', step: 'bench.load', message: 'Loading 1,000 projects' })).toBeUndefined();
  expect(after(29, load(900))).toBeUndefined();
  expect(after(1, load(1000))).toBe('Loading 1,000 projects: 1,000 of 3,000 · 33/s · 1 min 00 s left');
  // However often it is reported, and whatever runs beside it.
  for (let second = 0; second < 29; second += 1) expect(after(1, load(1000 + second))).toBeUndefined();
  expect(after(0, { kind: 'step', step: 'bench.index', message: 'Building' })).toBeUndefined();
  expect(after(1, load(2000))).toMatch(/^Loading 1,000 projects: 2,000 of 3,000 · 33\/s/);
  expect(after(40, { kind: 'progress', step: 'other', done: 1, unit: 'items' })).toBeUndefined();
  expect(after(0, { kind: 'done', step: 'bench.load', message: 'Loaded', durationMs: 1 })).toBeUndefined();
  expect(after(60, load(3000))).toBeUndefined();
});
