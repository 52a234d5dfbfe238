/** Why a part could not be read, and what to do. */
export interface FactFailure {
  readonly at: Date;
  readonly error: string;
  readonly hint: string | null;
}

/**
 * One part of what is known, with the instant at which it was read. What could not be read says why and what to do; nothing
 * else is lost by it. Once read, a part keeps its last value with its instant, and `stale` says why there is no newer one.
 */
export type Fact<T> =
  | { readonly ok: true; readonly at: Date; readonly value: T; readonly stale: FactFailure | null }
  | ({ readonly ok: false } & FactFailure);
