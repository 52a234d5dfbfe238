import type { Difference } from '../environment.ts';
import type { DataFacts } from '../result.ts';
import type { QueryClass } from '../suite/query.ts';
import type { ComparedPlan } from './changed-access.ts';

/**
 * `slower`, `faster`: certainly, and by more than the threshold; `slightly-…`: certainly, by more than half of it;
 * `undecided`: nothing can be said, and why not is told.
 */
export type Change = 'slower' | 'slightly-slower' | 'same' | 'slightly-faster' | 'faster' | 'undecided';

/** What was measured of a query on one side. */
export interface ComparedSide {
  /** Of all samples. */
  readonly medianMs: number;
  readonly samples: number;
  /** Whose medians are tested. */
  readonly blocks: number;
}

export interface ComparedQuery {
  readonly name: string;
  readonly class: QueryClass;
  readonly before: ComparedSide;
  readonly after: ComparedSide;
  readonly deltaMs: number;
  /** after / before: 1.1 is 10 % slower. */
  readonly ratio: number;
  /** Mann–Whitney on the medians of blocks, two-sided, corrected by Holm for all queries compared. */
  readonly p: number;
  /** Rank-biserial correlation, −1 to 1: 1 when every block is slower than every block before. */
  readonly effect: number;
  readonly change: Change;
  /** Of `undecided`. */
  readonly why: string | null;
}

/** One size of the data at one concurrency, in both runs. */
export interface ComparedPoint {
  /** `10,000 projects, 4 clients` */
  readonly title: string;
  readonly data: DataFacts;
  readonly clients: number;
  readonly queries: readonly ComparedQuery[];
  /** Queries that only the new run asked, and only the baseline. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Queries that are answered in another way; by other indexes or tables it fails, whatever it did to their times. */
  readonly plans: readonly ComparedPlan[];
}

/** What a compared run is recognised by. */
export interface RunReference {
  readonly id: string;
  readonly at: string;
  readonly file: string | null;
  readonly commit: string | null;
}

/** A difference of data or suite besides those of the environment. */
export type RunDifference =
  | Difference
  | {
      readonly kind: 'data' | 'schema' | 'suite';
      readonly what: string;
      readonly before: string;
      readonly after: string;
    };

export interface Comparison {
  readonly baseline: RunReference;
  readonly run: RunReference;
  /** The share from which on slower fails. */
  readonly threshold: number;
  /** Compared although something differs that decides about times. */
  readonly forced: boolean;
  readonly differences: readonly RunDifference[];
  readonly doubts: readonly string[];
  readonly points: readonly ComparedPoint[];
  /** `10,000 projects, 4 clients`: points that only one run has. */
  readonly pointsAdded: readonly string[];
  readonly pointsRemoved: readonly string[];
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
}
