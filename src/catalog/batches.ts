/**
 * Things that come in batches: all in one array where they are in memory, or one batch after the other. `for await` takes
 * both; inside of a batch there is nothing to wait for.
 */
export type Batches<T> = Iterable<Iterable<T>> | AsyncIterable<Iterable<T>>;

/** The same in arrays of `size`, the last one of what is left. */
export async function* regrouped<T>(batches: Batches<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const batch of batches) {
    for (const one of batch) {
      group.push(one);
      if (group.length < size) continue;
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}
