import { describe, expect, it } from '@jest/globals';
import { judgeBench, listSeeded, measureBench } from '../../../src/bench/index.ts';
import type { ProgressEvent } from '../../../src/core/progress.ts';
import { testContext } from '../../support/context.ts';
import { useServer } from '../../support/postgres.ts';
import { amount, begun, both, databases, endless, samplesOf, verdictsOf } from './sleepers.ts';

const server = useServer();

describe('a growth that the samples leave undecided', () => {
  it('is decided by going on at the smallest and the largest size, whose databases are then dropped', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const { result, raw } = await measureBench({ connection, ...amount, ...both, projects: [1000, 100, 10] }, context);
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'pass', 'slowing 8': 'fail' });
    expect(result.growth.furtherRounds).toBeGreaterThanOrEqual(1);
    const samples = samplesOf(result);
    for (const [small, between, large] of Object.values(samples)) {
      expect(between).toBe(200);
      // As many of both, unless a machine that became slow ended it between them: rounds.test.ts tries their turns.
      expect(Math.min(small!, large!)).toBeGreaterThanOrEqual(400);
    }
    // What is told, stored and judged comes of the same samples.
    for (const [place, point] of result.points.entries()) {
      expect(point.furtherRounds).toBe(0);
      for (const query of point.queries) {
        const stored = raw[place]!.find(({ name }) => name === query.name)!;
        expect([stored.us.length, stored.blocks.length]).toEqual([query.samples, query.blockMedians.length]);
        const step = result.growth.withData.find(({ name }) => name === query.name)!.steps[place]!;
        expect(step).toEqual({ size: point.data.projects, p50: query.p50 });
      }
    }
    const steps = begun(context.events);
    expect(steps.at(-3)).toMatchObject({
      step: 'bench.growth',
      message: 'Timing further what growth leaves undecided with 8 clients: steady, slowing',
    });
    // That of the size between is gone before the largest is filled; the smallest stays to the end.
    const names = steps.filter(({ step }) => step === 'bench.prepare').map(({ message }) => message.split(' ').at(-1));
    const ofDatabases = steps.filter(({ step }) => step === 'bench.prepare' || step === 'bench.drop');
    expect(ofDatabases.map(({ step, message }) => [step, names.indexOf(message.split(' ').at(-1))])).toEqual([
      ['bench.prepare', 0],
      ['bench.prepare', 1],
      ['bench.drop', 1],
      ['bench.prepare', 2],
      ['bench.drop', 2],
      ['bench.drop', 0],
    ]);
    expect(await databases(connection)).toEqual([]);
  });

  it('stays undecided at --max-samples, with 6; what is kept is used as it is and stays', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const kept = { connection, ...amount, ...endless, maxSamples: 400, keep: true };
    await measureBench({ ...kept, samples: 1, maxSamples: 1, clients: 1 }, testContext());
    const { result } = await measureBench(kept, testContext());
    expect(result.points.map(({ data }) => data.reused)).toEqual([true, true]);
    expect(samplesOf(result)).toEqual({ steady: [400, 400] });
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'inconclusive' });
    expect(result.growth.furtherRounds).toBe(1);
    expect(judgeBench(result)).toMatchObject({
      code: 'BENCH_INCONCLUSIVE',
      exitCode: 6,
      details: expect.arrayContaining([expect.stringMatching(/^steady: .* × slower .* from 10 to 1,000 projects/)]),
    });
    const left = await listSeeded(connection, testContext());
    expect(left.map(({ projects, inUse }) => [projects, inUse])).toEqual([
      [1000, false],
      [10, false],
    ]);
  });

  it('cannot go on in a database of the caller’s, which is emptied between the sizes, and says what helps', async () => {
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    const options = { connection, into: connection.database, ...amount, ...endless };
    const { result } = await measureBench(options, context);
    expect(begun(context.events).map(({ step }) => step)).not.toContain('bench.growth');
    expect(result.growth).not.toHaveProperty('furtherRounds');
    expect(samplesOf(result)).toEqual({ steady: [200, 200] });
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'inconclusive' });
    // Hit rates are not what is tried here: so few queries read too few blocks.
    const points = result.points.map((point) => ({ ...point, rates: [] }));
    expect(judgeBench({ ...result, points })?.hint).toContain('without --into');
  });

  it('on Ctrl-C gives what was measured until then, and drops every database', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const report = (event: ProgressEvent) => {
      context.report(event);
      if (event.kind === 'progress' && event.step === 'bench.growth') context.interrupt();
    };
    const { result, raw } = await measureBench({ connection, ...amount, ...endless }, { ...context, report });
    expect(result.complete).toBe(false);
    expect(judgeBench(result)?.code).toBe('INTERRUPTED');
    expect(samplesOf(result)).toEqual({ steady: [300, 200] });
    expect(raw.map((queries) => queries.map(({ us }) => us.length))).toEqual([[300], [200]]);
    expect(await databases(connection)).toEqual([]);
  });
});
