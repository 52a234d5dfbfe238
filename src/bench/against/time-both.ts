import type { RunContext } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { comparedPlans } from '../compare/changed-access.ts';
import { Crew } from '../measure/crew.ts';
import { warmUp } from '../measure/warm-up.ts';
import { capturePlans } from '../plans/capture.ts';
import type { PlanRecord } from '../plans/plan-record.ts';
import type { SuiteQuery } from '../suite/query.ts';
import { interleave } from './interleave.ts';
import type { OpenSide } from './side.ts';

const WARM_UP_MS = 20_000;

/** A query that both sides can be asked. */
export interface CommonQuery {
  readonly before: SuiteQuery<unknown>;
  readonly after: SuiteQuery<unknown>;
}

export function commonQueries(old: OpenSide, young: OpenSide): CommonQuery[] {
  return young.suite.queries.flatMap((after) => {
    const before = old.suite.queries.find(({ name }) => name === after.name);
    return before === undefined || old.failing.has(after.name) ? [] : [{ before, after }];
  });
}

export async function bothPlans(
  old: OpenSide,
  young: OpenSide,
  asked: readonly CommonQuery[],
  { prepare }: { readonly prepare: boolean },
  context: RunContext,
) {
  const take = async (
    { workspace: connection, parameters }: OpenSide,
    queries: readonly SuiteQuery<unknown>[],
  ): Promise<readonly PlanRecord[]> =>
    (await capturePlans({ connection, queries, parameters, prepare }, context)).records;
  return comparedPlans(
    await take(
      old,
      asked.map(({ before }) => before),
    ),
    await take(
      young,
      asked.map(({ after }) => after),
    ),
  );
}

export async function timeBoth(
  [old, young]: readonly [OpenSide, OpenSide],
  asked: readonly CommonQuery[],
  {
    clients,
    samples,
    seed,
    prepare,
  }: { readonly clients: number; readonly samples: number; readonly seed: number; readonly prepare: boolean },
  context: RunContext,
) {
  // Classes are those of the project as it is, on both sides: queries of a class run together.
  const queriesOf = (side: 'before' | 'after') => asked.map((pair) => ({ ...pair[side], class: pair.after.class }));
  const open = ({ workspace, suite, parameters }: OpenSide, queries: SuiteQuery<unknown>[]) =>
    Crew.open({ connection: workspace, suite: { ...suite, queries }, parameters, clients, prepare, workers: 1 });
  const first = await open(old, queriesOf('before'));
  try {
    const second = await open(young, queriesOf('after'));
    try {
      const queries = queriesOf('after');
      await asStep(context, 'bench.warm-up', 'Warming up both', async () => {
        for (const crew of [first, second]) await warmUp(crew, queries, WARM_UP_MS, context.signal);
      });
      const message = `Timing ${queries.length} queries on both sides in turns, ${samples} times each, from ${clients} clients`;
      return await asStep(context, 'bench.run', message, () =>
        interleave({
          ...{ crews: [first, second] as const, queries, samples, seed, signal: context.signal },
          onProgress: (done) =>
            context.report({
              ...{ kind: 'progress', step: 'bench.run', done, unit: 'items' },
              total: 2 * samples * queries.length,
            }),
        }),
      );
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}
