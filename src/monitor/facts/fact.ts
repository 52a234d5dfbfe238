/**
 * One part of what is known, with the instant at which it was read. What could not be read says why and what to do; nothing
 * else is lost by it.
 */
export type Fact<T> =
  | { readonly ok: true; readonly at: Date; readonly value: T }
  | { readonly ok: false; readonly at: Date; readonly error: string; readonly hint: string | null };
