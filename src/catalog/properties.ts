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
 * The further values of a row by name, in the order of the file. Two lists in step rather than a Map: a catalog has
 * 200,000 of them, each is written once, and few are ever looked up.
 */
export class Properties {
  readonly #names: string[] = [];
  readonly #values: PropertyValue[] = [];

  /** Adds a value under a name that has none yet. */
  add(name: string, value: PropertyValue): void {
    this.#names.push(name);
    this.#values.push(value);
  }

  get(name: string): PropertyValue | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#values[at];
  }

  each(visit: (name: string, value: PropertyValue) => void): void {
    for (let at = 0; at < this.#names.length; at += 1) visit(this.#names[at]!, this.#values[at]!);
  }

  /** Visits those that are decimals. */
  eachDecimal(visit: (name: string, decimal: string) => void): void {
    for (let at = 0; at < this.#names.length; at += 1) {
      const value = this.#values[at]!;
      if (typeof value === 'string') visit(this.#names[at]!, value);
    }
  }

  /** The same names with other values. */
  map(change: (name: string, value: PropertyValue) => PropertyValue): Properties {
    const changed = new Properties();
    for (let at = 0; at < this.#names.length; at += 1) {
      const name = this.#names[at]!;
      changed.add(name, change(name, this.#values[at]!));
    }
    return changed;
  }

  /** A JSON object. Decimals go in as they are written: JSON.stringify would need a float. */
  toJson(): string {
    let json = '';
    for (let at = 0; at < this.#names.length; at += 1) {
      const value = this.#values[at]!;
      json += `${at === 0 ? '"' : ',"'}${this.#names[at]}":${typeof value === 'string' ? value : JSON.stringify(value.text)}`;
    }
    return `{${json}}`;
  }
}

/** The values of a JSON object as they are written: a decimal must not pass through a float. */
export function textsOf(json: string): Record<string, string> {
  const asWritten = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  return JSON.parse(json, asWritten as (key: string, value: unknown) => unknown);
}
