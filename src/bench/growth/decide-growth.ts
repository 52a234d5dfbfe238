import type { RunContext } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { translateDatabaseError } from '../../postgres/errors.ts';
import type { Crew } from '../measure/crew.ts';
import { furtherLimitMs } from '../measure/timed-run.ts';
import { reopenCrew } from '../point.ts';
import { counted } from '../point-name.ts';
import { countOf, END_NAMES, type Ends, hasRoom, isSettled, judgeGrowthInterim } from './interim.ts';
import { type End, runUntilGrowthDecided } from './rounds.ts';

/** Of the time of a leg, where it is limited. */
const WARM_UP_SHARE = 0.25;

/**
 * Lets the queries whose growth is undecided run further at both ends, into the runs that are there. Only the ends count:
 * the ratio that is judged is that of their medians. Within `limitMs`, and within four times what the first samples took.
 * Gives the rounds. Interrupted, it ends with what there is. Step: `bench.growth`.
 */
export async function decideGrowth(ends: Ends, limitMs: number, context: RunContext): Promise<number> {
  const { suite, samples, maxSamples, clients, workspace } = ends.largest.options;
  const { signal } = context;
  const undecided = suite.queries.flatMap((_, place) =>
    judgeGrowthInterim(ends, place) === 'inconclusive' && END_NAMES.some((end) => hasRoom(ends[end], place))
      ? [place]
      : [],
  );
  if (undecided.length === 0 || limitMs <= 0 || signal.aborted) return 0;
  const names = undecided.map((place) => suite.queries[place]!.name).join(', ');
  const message = `Timing further what growth leaves undecided with ${counted(clients, 'client')}: ${names}`;
  const asking = new OneAtATime(ends, context);
  let done = 0;
  const take = async (end: End, places: readonly number[], more: number, leftMs: number) => {
    const began = performance.now();
    await asking.turnTo(end, places, leftMs * WARM_UP_SHARE);
    await ends[end].run.further(places, more, leftMs - (performance.now() - began));
    done += places.length * more;
    context.report({ kind: 'progress', step: 'bench.growth', done, unit: 'items' });
  };
  const counts = {
    countOf: (end: End, place: number) => countOf(ends[end], place),
    isDecided: (place: number) => isSettled(ends, place),
  };
  const mainMs = ends.smallest.run.mainMs + ends.largest.run.mainMs;
  const limits = { samples, mostSamples: maxSamples, limitMs: Math.min(limitMs, furtherLimitMs(mainMs)) };
  try {
    return await asStep(
      context,
      'bench.growth',
      message,
      () => runUntilGrowthDecided({ places: undecided, ...counts, ...limits, take, signal }),
      (rounds) => `${message} (${counted(rounds, 'round')})`,
    );
  } catch (error) {
    throw translateDatabaseError(error, workspace);
  } finally {
    await asking.close();
  }
}

/**
 * The sessions of one end at a time: those of both might be more than the server has. Each has to be warm again, since
 * what the other read may have taken its place in the caches.
 */
class OneAtATime {
  readonly #ends: Ends;
  readonly #context: RunContext;
  #end: End | undefined;
  #crew: Crew | undefined;

  constructor(ends: Ends, context: RunContext) {
    this.#ends = ends;
    this.#context = context;
  }

  async turnTo(end: End, places: readonly number[], warmUpMs: number): Promise<void> {
    if (this.#end === end) return;
    await this.close();
    this.#crew = await reopenCrew(this.#ends[end], places, warmUpMs, this.#context);
    this.#end = end;
    this.#ends[end].run.continueWith(this.#crew);
  }

  async close(): Promise<void> {
    const crew = this.#crew;
    this.#crew = undefined;
    this.#end = undefined;
    await crew?.close();
  }
}
