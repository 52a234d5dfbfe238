/** What a sweep goes through: ascending and each once. */
export function listOf(values: number | readonly number[]): readonly number[] {
  return typeof values === 'number' ? [values] : [...new Set(values)].sort((a, b) => a - b);
}
