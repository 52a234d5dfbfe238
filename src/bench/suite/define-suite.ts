import type { Kysely } from 'kysely';
import type { Database } from '../../database/types.ts';
import type { Compilable, QueryClass } from './query.ts';

/** Drawn by SQL: the values of one column, as text, in the order of the SELECT. */
export type DrawStatements = Readonly<Record<string, string>>;
/** Drawn by code: any values that `structuredClone` can copy, because worker processes are given them. */
export type DrawFunction = (db: Kysely<Database>) => Promise<unknown>;

/** What the queries of a suite are given. */
export type Drawn<D> = D extends (db: never) => Promise<infer Values>
  ? Values
  : { readonly [Name in keyof D]: readonly (string | null)[] };

interface QueryOptions {
  /** Unique among all queries of a run, and stable: results of two runs are compared by it. */
  readonly name: string;
  /** Decides which target holds when there is no own one; `simple` by default. */
  readonly class?: QueryClass;
  /** What is wanted to be known; the name by default. */
  readonly asks?: string;
  /** The index that must serve it. */
  readonly index?: string;
  /** p95 must lie below: `5 ms`. The objective of its class by default. */
  readonly target?: string;
}

/** A query that Kysely builds. */
export interface BuiltQuery<P> extends QueryOptions {
  /** The query of this turn: 0, 1, 2, … */
  readonly build: (db: Kysely<Database>, drawn: P, turn: number) => Compilable;
}

/** A query of plain SQL: with `:name` for what was drawn, or with `$1` and `parameters`. */
export interface SqlQuery<P> extends QueryOptions {
  readonly sql: string;
  readonly parameters?: (drawn: P, turn: number) => readonly unknown[];
}

export interface SuiteDefinition<D = Record<never, never>> {
  /** Unique among the suites of a run; the file's name by default. */
  readonly name?: string;
  /** Values that are in the database, so that the queries find something: a SELECT for each name, or a function. */
  readonly draw?: D;
  /** Run once after the rows are loaded, in the benchmark's own database: SQL, or a `.sql` file beside this one. */
  readonly setUp?: string | readonly string[];
  readonly queries: readonly (BuiltQuery<Drawn<D>> | SqlQuery<Drawn<D>>)[];
}

/** Gives a suite of one's own its types; returns what it was given. */
export function defineSuite<const D extends DrawStatements | DrawFunction = Record<never, never>>(
  definition: SuiteDefinition<D>,
): SuiteDefinition<D> {
  return definition;
}
