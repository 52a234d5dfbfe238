import type { SuiteQuery } from '../suite/query.ts';
import type { Crew } from './crew.ts';
import { addLag, type Lag } from './open-loop.ts';
import { SampleStore, type Samples } from './samples.ts';
import type { Busy } from './station.ts';
import { blockTurns } from './stretch.ts';
import { placesByClass } from './warm-up.ts';

/** Enough to compare the medians of blocks, and to see whether blocks differ. */
export const BLOCKS = 10;

const FURTHER_TIMES = 4;
const FURTHER_LEAST_MS = 30_000;

/** Further rounds may take so much longer than the first samples took, and this long at least. */
export function furtherLimitMs(mainMs: number): number {
  return Math.max(FURTHER_LEAST_MS, mainMs * FURTHER_TIMES);
}

export interface TimedRunOptions {
  readonly crew: Crew;
  readonly queries: readonly SuiteQuery<unknown>[];
  /** Timed runs of each query. */
  readonly samples: number;
  readonly seed: number;
  /** Arrivals of all queries together; null for a closed loop. */
  readonly ratePerSecond: number | null;
  readonly signal: AbortSignal;
  /** Told the requests that are answered. */
  readonly onProgress: (answered: number) => void;
}

/** How busy the clients were while queries of one kind ran. */
export interface BusyPhase extends Busy {
  /** A class of queries, or `mix` in an open loop. */
  readonly phase: string;
  /** Processor time that the whole process was given meanwhile, ms. */
  readonly processorMs: number;
}

/**
 * The timed part of a benchmark, in blocks. A closed loop runs the classes of queries one after the other in each block, so
 * that every block of every query is spread over the whole run; an open loop runs all queries together by one schedule.
 */
export class TimedRun {
  readonly #options: TimedRunOptions;
  readonly #store: SampleStore;
  readonly #busy = new Map<string, Omit<BusyPhase, 'phase'>[]>();
  #crew: Crew;
  #lag: Lag | null = null;
  #blocks = 0;
  #turns = 0;
  #answered = 0;
  #runningMs = 0;
  #mainMs = 0;

  constructor(options: TimedRunOptions) {
    this.#options = options;
    this.#crew = options.crew;
    this.#store = new SampleStore(options.queries.length, options.samples);
  }

  of(place: number): Samples {
    return this.#store.of(place);
  }

  /** How well the schedule of an open loop was kept. */
  get lag(): Lag | null {
    return this.#lag;
  }

  /** Time in which requests of the main part were under way, ms. */
  get mainMs(): number {
    return this.#mainMs;
  }

  /** Who asks from now on: the first crew may be gone when the run goes on. */
  continueWith(crew: Crew): void {
    this.#crew = crew;
  }

  /**
   * Each query so many times as was asked for. `limitMs`: none begins later than that. `afterEach` is waited for whenever
   * the queries of one kind have run, while nothing else does, and given what `BusyPhase` calls them.
   */
  async main(limitMs: number, afterEach: (phase: string) => Promise<void> = async () => {}): Promise<void> {
    const { queries, samples } = this.#options;
    await this.#run(
      queries.map((_, place) => place),
      blockTurns(samples, BLOCKS),
      limitMs,
      afterEach,
    );
    this.#mainMs = this.#runningMs;
  }

  /** So many more of some queries, in blocks as long as those of the main part. */
  async further(places: readonly number[], samples: number, limitMs: number): Promise<void> {
    const length = Math.max(1, Math.floor(this.#options.samples / BLOCKS));
    await this.#run(places, blockTurns(samples, Math.ceil(samples / length)), limitMs);
  }

  /** The loop's mean and the worst delay of each kind of query. */
  busy(): BusyPhase[] {
    return [...this.#busy].map(([phase, parts]) => ({
      phase,
      loop: parts.reduce((sum, { loop }) => sum + loop, 0) / parts.length,
      delayMs: Math.max(...parts.map(({ delayMs }) => delayMs)),
      activeMs: parts.reduce((sum, { activeMs }) => sum + activeMs, 0),
      processorMs: parts.reduce((sum, { processorMs }) => sum + processorMs, 0),
    }));
  }

  async #run(
    places: readonly number[],
    turns: readonly number[],
    limitMs: number,
    afterEach: (phase: string) => Promise<void> = async () => {},
  ): Promise<void> {
    const { queries, ratePerSecond } = this.#options;
    const began = performance.now();
    if (ratePerSecond !== null) {
      await this.#stretch('mix', places, turns, limitMs);
      await afterEach('mix');
      this.#next(turns);
    } else {
      for (const length of turns) {
        for (const members of placesByClass(queries)) {
          const chosen = members.filter((place) => places.includes(place));
          const left = limitMs - (performance.now() - began);
          if (chosen.length === 0 || left <= 0 || this.#options.signal.aborted) continue;
          const phase = queries[chosen[0]!]!.class;
          await this.#stretch(phase, chosen, [length], left);
          await afterEach(phase);
        }
        this.#next([length]);
      }
    }
  }

  async #stretch(phase: string, places: readonly number[], turns: readonly number[], limitMs: number): Promise<void> {
    const { seed, ratePerSecond, signal, onProgress } = this.#options;
    const limit = Number.isFinite(limitMs) ? limitMs : null;
    const place = { firstBlock: this.#blocks, firstTurn: this.#turns };
    const before = process.cpuUsage();
    const began = performance.now();
    const outcome = await this.#crew.run({ places, turns, ...place, seed, ratePerSecond, limitMs: limit }, signal);
    this.#runningMs += performance.now() - began;
    this.#store.add(outcome.parts);
    const { user, system } = process.cpuUsage(before);
    const busy = { ...outcome.busy, processorMs: (user + system) / 1000 };
    this.#busy.set(phase, [...(this.#busy.get(phase) ?? []), busy]);
    if (outcome.lag) this.#lag = this.#lag ? addLag(this.#lag, outcome.lag) : outcome.lag;
    this.#answered += outcome.parts.reduce((sum, { count }) => sum + count, 0);
    onProgress(this.#answered);
  }

  #next(turns: readonly number[]): void {
    this.#blocks += turns.length;
    this.#turns += turns.reduce((sum, length) => sum + length, 0);
  }
}

export interface UntilDecided {
  /** Of each query, all runs counted. */
  readonly mostSamples: number;
  /** For all further runs together. */
  readonly limitMs: number;
  /** Whether what is there decides about the query; asked after each round. */
  readonly isDecided: (place: number) => boolean;
}

/**
 * Runs the queries that the main part left undecided further, twice as many samples each time, until every one is
 * decided, has the most samples, or the time is up. Gives the number of rounds.
 */
export async function runUntilDecided(
  run: Pick<TimedRun, 'further'>,
  { queries, samples, signal }: Pick<TimedRunOptions, 'queries' | 'samples' | 'signal'>,
  { mostSamples, limitMs, isDecided }: UntilDecided,
): Promise<number> {
  const began = performance.now();
  for (let count = samples, round = 0; ; round += 1) {
    const left = limitMs - (performance.now() - began);
    const undecided = queries.flatMap((_, place) => (isDecided(place) ? [] : [place]));
    if (undecided.length === 0 || count >= mostSamples || left <= 0 || signal.aborted) return round;
    const more = Math.min(count, mostSamples - count);
    await run.further(undecided, more, left);
    count += more;
  }
}
