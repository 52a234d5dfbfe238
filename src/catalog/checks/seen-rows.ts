import { ByScope } from '../by-scope.ts';
import { hashOf, KeyTable } from '../key-table.ts';
import type { RawRecord } from '../reading/delimited.ts';
import type { CatalogRow } from '../rows.ts';

/** Where a row stood before. */
export interface Earlier {
  readonly line: number;
  /** Whether its record was written with the same cells; undefined when nobody kept that. */
  readonly sameCells?: boolean;
}

/** The rows of a file so far, by what identifies them. */
export interface SeenRows {
  /** Where the row stood before, or undefined: it is remembered then. */
  meet(row: CatalogRow, record: RawRecord): Earlier | undefined;
}

/** By their names: the fastest for files that are in memory anyway. */
export class SeenNames implements SeenRows {
  readonly #lines = new ByScope(() => new Map<string, number>());

  meet(row: CatalogRow): Earlier | undefined {
    const lines = this.#lines.of(row);
    const name = nameOf(row);
    const line = lines.get(name);
    if (line !== undefined) return { line };
    lines.set(name, row.line);
    return undefined;
  }
}

/** A file that is read piece by piece may well have so many. Pages that no row needs are no memory. */
const EXPECTED = 1_100_000;

/** By a hash, for files of any size: 27 bytes per row. */
export class SeenHashes implements SeenRows {
  readonly #rows = new KeyTable(2, EXPECTED);

  meet(row: CatalogRow, record: RawRecord): Earlier | undefined {
    const key = [row.standard, row.edition, ...('unitSystem' in row ? [row.unitSystem, row.variant] : []), nameOf(row)];
    const cells = hashOf(record.cells())[0]!;
    const found = this.#rows.meet(key, row.line, cells);
    return found && { line: found[0]!, sameCells: found[1] === cells };
  }
}

function nameOf(row: CatalogRow): string {
  return 'section' in row ? row.section : row.designation;
}
