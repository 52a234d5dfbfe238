/** What tells one table of a standard from another; references have no unit system. */
export interface ScopeOf {
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem?: string;
  readonly variant?: string | null;
}

/**
 * One value per standard, edition, unit system and variant. Files are sorted by these, so the last one asked for is nearly always
 * the next: it is remembered, and no key is put together for each of the rows.
 */
export class ByScope<T> {
  readonly #make: (scope: ScopeOf) => T;
  readonly #values = new Map<string, T>();
  #scope: ScopeOf | undefined;
  #last: T | undefined;

  constructor(make: (scope: ScopeOf) => T) {
    this.#make = make;
  }

  of(row: ScopeOf): T {
    const scope = this.#scope;
    if (
      scope !== undefined &&
      scope.standard === row.standard &&
      scope.edition === row.edition &&
      scope.unitSystem === row.unitSystem &&
      scope.variant === row.variant
    ) {
      return this.#last as T;
    }
    const key = `${row.standard}\u0000${row.edition}\u0000${row.unitSystem}\u0000${row.variant}`;
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#make(row);
      this.#values.set(key, value);
    }
    this.#scope = row;
    this.#last = value;
    return value;
  }

  values(): T[] {
    return [...this.#values.values()];
  }
}
