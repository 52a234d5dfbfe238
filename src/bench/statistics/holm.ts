/**
 * Values of p for several tests at once, each raised so that with all of them together the chance of one false alarm stays
 * what it is for one (Holm 1979). In the order given.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, place) => place).sort((a, b) => values[a]! - values[b]!);
  const adjusted = new Array<number>(values.length);
  let least = 0;
  order.forEach((place, rank) => {
    least = Math.max(least, Math.min(1, (values.length - rank) * values[place]!));
    adjusted[place] = least;
  });
  return adjusted;
}
