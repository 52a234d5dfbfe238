import type { Kysely } from 'kysely';
import type { Database } from 'structdb';
import type { Parameters } from './parameters.ts';

/** simple: one table by an index; complex: joins; aggregation: groups over many rows. Each has its target. */
export type QueryClass = 'simple' | 'complex' | 'aggregation';

export interface BenchQuery {
  /** Stable: results of two runs are compared by it. */
  readonly name: string;
  readonly class: QueryClass;
  /** What the platform wants to know. */
  readonly asks: string;
  /** The index that must serve it; absent where reading the whole table is right. */
  readonly index?: string;
  /** `turn` walks through the parameters. */
  readonly build: (db: Kysely<Database>, parameters: Parameters, turn: number) => Executable;
}

/** Any query of Kysely. */
export interface Executable {
  execute(): Promise<unknown>;
  compile(): { readonly sql: string; readonly parameters: readonly unknown[] };
}
