/**
 * Things that come in batches: all in one array where they are in memory, or one batch after the other. `for await` takes
 * both; inside of a batch there is nothing to wait for.
 */
export type Batches<T> = Iterable<Iterable<T>> | AsyncIterable<Iterable<T>>;
