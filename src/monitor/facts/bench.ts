import type { BenchResult } from '../../bench/index.ts';
import { newestRunFile, type RunPlaces, readStoredFile } from '../../bench/store/index.ts';
import type { BenchFacts } from './facts.ts';

const VERDICT = { pass: 'met', fail: 'missed', inconclusive: 'inconclusive' } as const;

/** Reads the newest stored benchmark. A run has megabytes of samples and is never rewritten: each is read once. */
export class BenchReader {
  readonly #places: Pick<RunPlaces, 'root'>;
  #read: { readonly file: string; readonly facts: BenchFacts } | undefined;

  constructor(places: Pick<RunPlaces, 'root'>) {
    this.#places = places;
  }

  /** null where none was run. */
  async read(): Promise<BenchFacts | null> {
    const file = await newestRunFile(this.#places);
    if (file === undefined) return null;
    if (this.#read?.file !== file) this.#read = { file, facts: factsOf((await readStoredFile(file)).result) };
    return this.#read.facts;
  }
}

/** Of a query that was timed at several sizes, the slowest: each was held against the same target. */
function factsOf({ at, verdict, points }: BenchResult): BenchFacts {
  const queries = new Map<string, BenchFacts['queries'][number]>();
  for (const { name, class: kind, p95, targetMs, verdict: own } of points.flatMap((point) => point.queries)) {
    if (p95 === null || p95.value <= (queries.get(name)?.p95Ms ?? -1)) continue;
    queries.set(name, { name, class: kind, p95Ms: p95.value, targetMs, verdict: VERDICT[own] });
  }
  return { at: new Date(at), verdict: VERDICT[verdict], queries: [...queries.values()] };
}
