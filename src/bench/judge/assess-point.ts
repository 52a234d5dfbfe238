import { availableParallelism } from 'node:os';
import { throughputOf } from '../growth/throughput.ts';
import { NO_LAG } from '../measure/open-loop.ts';
import type { TimedRun } from '../measure/timed-run.ts';
import type { MeasuredPoint } from '../measured-point.ts';
import { findAccess } from '../observe/access.ts';
import { queryRates } from '../observe/query-rates.ts';
import type { LoopFacts, Point } from '../result.ts';
import { assessClasses, assessQuery, assessRates, assessUtilisation, pointVerdict } from './assess.ts';
import { clientDoubt, otherLoadDoubt, scheduleDoubts, starvedDoubt, unsteadyDoubt, warmUpDoubt } from './doubts.ts';
import { statisticsDoubts } from './statistics-doubts.ts';

/** Judges a point by all the samples that it has by now; its hit rates are those of the first ones. */
export function assessPoint(measured: MeasuredPoint): Point {
  const { options, workers, warm, run, plans, queryIds, facts, reading, other, furtherRounds, complete } = measured;
  const { suite, data, clients, ratePerSecond, objectives } = options;
  const asked = suite.queries;
  const samples = asked.map((_, place) => run.of(place));
  const { total: counters, parts } = reading;
  const ratesOf = queryRates(plans, queryIds, reading);
  const queries = asked.map((query, place) => ({
    ...assessQuery(query, samples[place]!, objectives),
    rates: ratesOf.get(query.name)!,
  }));
  const classes = assessClasses(queries, objectives);
  const rates = assessRates(counters, objectives);
  const connections = measured.utilisations.map((each) => assessUtilisation(each, objectives));
  const busy = run.busy();
  const processors = availableParallelism();
  return {
    data,
    clients,
    workers,
    prepared: options.prepare,
    loop: loopFacts(run, ratePerSecond),
    busy,
    warmUpRounds: warm.rounds,
    queries,
    throughput: ratePerSecond === null ? throughputOf(asked, samples) : [],
    classes: classes.map((each) => ({ ...each, rates: parts.get(each.class) ?? null })),
    rates,
    counters,
    access: findAccess(counters, facts, plans),
    connections,
    plans,
    doubts: [
      ...warmUpDoubt(warm),
      ...clientDoubt(busy, workers, processors),
      ...scheduleDoubts(run.lag, ratePerSecond, { workers, processors }),
      ...starvedDoubt(busy),
      ...otherLoadDoubt(other),
      ...statisticsDoubts(reading),
      ...unsteadyDoubt(asked.map(({ name }, place) => ({ name, samples: samples[place]! }))),
    ],
    furtherRounds,
    complete,
    verdict: pointVerdict({ queries, rates, connections, plans }),
  };
}

function loopFacts(run: TimedRun, ratePerSecond: number | null): LoopFacts {
  if (ratePerSecond === null) return { kind: 'closed' };
  const { requests, late, lateByClient, sumMs, maxMs, mostQueued, notBegun } = run.lag ?? NO_LAG;
  const meanLagMs = requests === 0 ? 0 : sumMs / requests;
  return {
    kind: 'open',
    ratePerSecond,
    requests,
    late,
    lateByClient,
    meanLagMs,
    maxLagMs: maxMs,
    mostQueued,
    notBegun,
  };
}
