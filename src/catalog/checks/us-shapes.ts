import { ByScope } from '../by-scope.ts';
import type { MaterialRow } from '../rows.ts';
import type { Values } from './values.ts';

/** So many US shapes wait for their SI rows: ten editions in one file, 20 MB. The oldest give way. */
const LIMIT = 30_000;

/** The values of US shapes, until the SI row of the same shape comes and is set against them. */
export class UsShapes {
  readonly #byScope = new ByScope(() => new Map<string, Values>());

  /** Keeps a US row; gives an SI row the values of its US row, where that came before and names it. */
  pair(row: MaterialRow, values: Values): Values | undefined {
    const counterpart = row.properties.get('counterpart');
    if (typeof counterpart !== 'object') return undefined;
    const { standard, edition, variant } = row;
    const waiting = this.#byScope.of({ standard, edition, variant });
    if (row.unitSystem === 'US') {
      waiting.set(row.designation, values);
      if (waiting.size > LIMIT) waiting.delete(waiting.keys().next().value!);
      return undefined;
    }
    const us = waiting.get(counterpart.text);
    waiting.delete(counterpart.text);
    return us;
  }
}
