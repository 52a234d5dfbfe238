import type { ComparedPoint, Comparison } from '../compare/comparison.ts';
import type { BenchEnvironment, Difference } from '../environment.ts';

/** One of the two that were timed in turns. */
export interface AgainstSide {
  /** `the project as it is`, a commit, or a server. */
  readonly name: string;
  /** PostgreSQL's version. */
  readonly server: string;
  readonly commit: string | null;
  /** The last that was applied. */
  readonly migration: string | null;
}

/** What came of timing two sides in turns: what is printed, kept and rendered again. */
export interface AgainstResult {
  /** `20261130T021530Z-9f3a` */
  readonly id: string;
  readonly at: string;
  readonly durationMs: number;
  /** The suite of the project as it is, by its name. */
  readonly suite: string;
  /** Of the project as it is; `differences` say what of it is not so on the rival's side. */
  readonly environment: BenchEnvironment;
  /** The rival, and the project as it is. */
  readonly before: AgainstSide;
  readonly after: AgainstSide;
  /** Of each query on each side. */
  readonly samples: number;
  /** The share from which on slower fails. */
  readonly threshold: number;
  readonly differences: readonly Difference[];
  /** What could not be taken from the rival, and queries that it cannot answer. */
  readonly notes: readonly string[];
  readonly points: readonly [ComparedPoint];
  readonly verdict: Comparison['verdict'];
}
