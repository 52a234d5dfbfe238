import type { Kysely } from 'kysely';
import type { Database } from '../../database/types.ts';

/** simple: one table by an index; complex: joins; aggregation: groups over many rows. Each has its target. */
export type QueryClass = 'simple' | 'complex' | 'aggregation';

export const QUERY_CLASSES: readonly QueryClass[] = Object.freeze(['simple', 'complex', 'aggregation']);

/** A statement with its values. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** One query of a suite. `P` are the parameters that the suite draws. */
export interface SuiteQuery<P> {
  /** Stable: results of two runs are compared by it. */
  readonly name: string;
  readonly class: QueryClass;
  /** What the platform wants to know. */
  readonly asks: string;
  /** The index that must serve it; absent where reading the whole table is right. */
  readonly index?: string;
  /** p95 must lie below, in ms; the target of its class by default. */
  readonly targetMs?: number;
  /** The query of this turn; `turn` walks through the parameters. */
  readonly build: (db: Kysely<Database>, parameters: P, turn: number) => Compilable;
}

/** Any query of Kysely, or its like. */
export interface Compilable {
  compile(): Statement;
}

/** Where suites come from: plain values, so that another thread can load the same. */
export interface SuiteSources {
  /** Files, folders, or `platform`, the suite that ships; that alone when there is none. */
  readonly suites: readonly string[];
  /** Relative paths start here. */
  readonly projectRoot: string;
}

/** Queries that belong together, and the values that they ask for. */
export interface Suite<P = unknown> {
  readonly name: string;
  /** What loads it again in another thread; absent: the suite that ships. */
  readonly sources?: SuiteSources;
  /** Values that are in the database; the same for the same data, and plain enough for `structuredClone`. */
  readonly draw: (db: Kysely<Database>) => Promise<P>;
  readonly queries: readonly SuiteQuery<P>[];
}
