import { parseDecimal } from './reading/decimal.ts';

/** A decimal as text, or words. */
export type PropertyValue = string | { readonly text: string };

/** Names of shapes and sources are words even where they look like a number. */
export function propertyValue(name: string, text: string): PropertyValue {
  if (name === 'counterpart' || name === 'source') return { text };
  return parseDecimal(text) ?? { text };
}

/** The order in which jsonb keeps names: shorter first. What comes in this order PostgreSQL need not sort. */
export function inJsonbOrder(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * The names of the properties that rows have: those of one file share them, so that what follows from a name is worked out
 * once and not for each of a catalog's 200,000 values. Names may be added while rows come.
 */
export class PropertyNames {
  readonly #names: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #jsonKeys: string[] = [];
  readonly #none: null[] = [];
  #sorted: readonly number[] = [];

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.placeOf(name);
  }

  /** By place. */
  get all(): readonly string[] {
    return this.#names;
  }

  /** Each as the key of a JSON object, with its colon. */
  get jsonKeys(): readonly string[] {
    return this.#jsonKeys;
  }

  /** The places in the order of the names. */
  get sorted(): readonly number[] {
    const names = this.#names;
    if (this.#sorted.length < names.length) {
      this.#sorted = [...names.keys()].sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    }
    return this.#sorted;
  }

  /** The place of a name, or undefined. */
  find(name: string): number | undefined {
    return this.#places.get(name);
  }

  /** The place of a name, which has one from now on. */
  placeOf(name: string): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#names.push(name);
    this.#jsonKeys.push(`"${name}":`);
    this.#none.push(null);
    this.#places.set(name, this.#names.length - 1);
    return this.#names.length - 1;
  }

  /** A row without any value. */
  none(): (PropertyValue | null)[] {
    return this.#none.slice();
  }
}

/** The further values of a row, by the place of their names. A list rather than a Map: few are ever looked up. */
export class Properties {
  readonly names: PropertyNames;
  readonly #values: (PropertyValue | null)[];

  constructor(names: PropertyNames = new PropertyNames()) {
    this.names = names;
    this.#values = names.none();
  }

  /** By place; names that were added later have none. */
  get values(): readonly (PropertyValue | null | undefined)[] {
    return this.#values;
  }

  set(place: number, value: PropertyValue): void {
    this.#values[place] = value;
  }

  add(name: string, value: PropertyValue): void {
    this.set(this.names.placeOf(name), value);
  }

  get(name: string): PropertyValue | undefined {
    const place = this.names.find(name);
    return place === undefined ? undefined : (this.#values[place] ?? undefined);
  }

  /** The same names with other values. */
  map(change: (name: string, value: PropertyValue) => PropertyValue): Properties {
    const changed = new Properties(this.names);
    for (const [place, value] of this.#values.entries()) {
      if (value !== null) changed.set(place, change(this.names.all[place]!, value));
    }
    return changed;
  }

  /** A JSON object. Decimals go in as they are written: JSON.stringify would need a float. */
  toJson(): string {
    const values = this.#values;
    const keys = this.names.jsonKeys;
    let json = '{';
    for (let place = 0; place < values.length; place += 1) {
      const value = values[place];
      if (value == null) continue;
      if (json.length > 1) json += ',';
      json += keys[place]! + (typeof value === 'string' ? value : JSON.stringify(value.text));
    }
    return `${json}}`;
  }
}

/** The values of a JSON object as they are written: a decimal must not pass through a float. */
export function textsOf(json: string): Record<string, string> {
  const asWritten = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  return JSON.parse(json, asWritten as (key: string, value: unknown) => unknown);
}
