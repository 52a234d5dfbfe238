import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { hashOf, KeyTable } from './key-table.ts';
import type { StagedRow, TargetTable } from './load/tables.ts';
import { textsOf } from './properties.ts';

/** A row of one file that another file of the same run has too, and not with the same text. */
interface Hit {
  readonly file: number;
  readonly line: number;
  readonly earlierFile: number;
  readonly earlierLine: number;
  readonly table: TargetTable;
  readonly cells: StagedRow['cells'];
}

/** Two files that do not agree on a row. */
interface Contradiction extends Omit<Hit, 'cells' | 'table'> {
  readonly row: string;
  readonly name: string;
  readonly here: string | null;
  readonly there: string | null;
}

/** Shows the rows of an earlier file again; false when it was a stream, which can be read once. */
export type ReadAgain = (file: number, visit: (row: StagedRow) => void) => Promise<boolean>;

/**
 * The rows of all files of one run. Two files may hold the same row when they agree on every value that both have a column
 * for; else which of them came last would decide what is stored.
 */
export class RunRows {
  readonly #names: readonly string[];
  /** With each key: number of the file from 1, line, and two hashes of what the row says. */
  readonly #rows = new KeyTable(4);
  readonly #columns = new Map<number, ReadonlySet<string>>();
  #hits: Hit[] = [];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Whether an earlier file has the row with every column: it says the same then, or `settle` ends the run. */
  meet(file: number, table: TargetTable, columns: ReadonlySet<string>, { cells, line }: StagedRow): boolean {
    this.#columns.set(file, columns);
    const [first, second] = hashOf(cells);
    const key = [table.name, ...(cells.slice(0, table.key.length) as string[])];
    const found = this.#rows.meet(key, file + 1, line, first!, second!);
    if (found === undefined || found[0] === file + 1) return false;
    const earlierFile = found[0]! - 1;
    const earlier = this.#columns.get(earlierFile)!;
    const addsNothing = isWithin(columns, earlier);
    const same = addsNothing && isWithin(earlier, columns) && found[2] === first && found[3] === second;
    if (!same) this.#hits.push({ file, line, earlierFile, earlierLine: found[1]!, table, cells });
    return addsNothing;
  }

  /** Looks at the rows that the last file has in common with earlier ones. @throws CATALOG_BAD_ROWS when they contradict */
  async settle(readAgain: ReadAgain): Promise<void> {
    const found: Contradiction[] = [];
    for (const [earlierFile, hits] of Map.groupBy(this.#hits.splice(0), (hit) => hit.earlierFile)) {
      found.push(...(await this.#contradictions(earlierFile, hits, readAgain)));
    }
    if (found.length === 0) return;
    const [{ file, earlierFile }] = found as [Contradiction];
    const shown = found.slice(0, 100).map((one) => this.#told(one));
    throw new StructdbError(
      'CATALOG_BAD_ROWS',
      `${this.#names[file]} contradicts ${this.#names[earlierFile]} in ${found.length} ${found.length === 1 ? 'row' : 'rows'}; nothing was imported.`,
      {
        details: found.length > shown.length ? [...shown, `and ${found.length - shown.length} more`] : shown,
        hint: 'Correct one of the files, or import them one after the other: the last one counts.',
      },
    );
  }

  async #contradictions(earlierFile: number, hits: readonly Hit[], readAgain: ReadAgain): Promise<Contradiction[]> {
    const wanted = new Map(hits.map((hit) => [placeOf(hit).row, hit]));
    const contradictions: Contradiction[] = [];
    const wasRead = await readAgain(earlierFile, ({ cells }) => {
      const hit = wanted.get(rowName(cells, hits[0]!.table));
      if (hit === undefined) return;
      const [mine, other] = [this.#columns.get(hit.file)!, this.#columns.get(earlierFile)!];
      const [here, there] = [valuesOf(hit.cells, hit.table), valuesOf(cells, hit.table)];
      const name = [...mine].find(
        (column) => other.has(column) && (here.get(column) ?? null) !== (there.get(column) ?? null),
      );
      if (name === undefined) return;
      contradictions.push({ ...placeOf(hit), name, here: here.get(name) ?? null, there: there.get(name) ?? null });
    });
    if (wasRead) return contradictions;
    return hits.map((hit) => ({ ...placeOf(hit), name: '', here: null, there: null }));
  }

  #told({ file, line, earlierFile, earlierLine, row, name, here, there }: Contradiction): string {
    const [mine, other] = [file, earlierFile].map((at) => path.basename(this.#names[at]!));
    if (name === '') return `${mine}:${line}: ${row} is written otherwise in ${other}:${earlierLine}`;
    return `${mine}:${line}: ${row}, ${name} ${here ?? 'nothing'}: ${other}:${earlierLine} says ${there ?? 'nothing'}`;
  }
}

function isWithin(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one === other || [...one].every((name) => other.has(name));
}

function placeOf({ file, line, earlierFile, earlierLine, table, cells }: Hit) {
  return { file, line, earlierFile, earlierLine, row: rowName(cells, table) };
}

function rowName(cells: StagedRow['cells'], { key }: TargetTable): string {
  return cells.slice(0, key.length).filter(Boolean).join(' ');
}

/** By column and property, as text: numbers are in one spelling, so that equal texts are equal numbers. */
function valuesOf(cells: StagedRow['cells'], { key, values }: TargetTable): Map<string, string> {
  const found = new Map<string, string>();
  values.forEach(({ name, type }, at) => {
    const cell = cells[key.length + at];
    if (cell == null) return;
    if (type !== 'jsonb') found.set(name, cell);
    else for (const [property, value] of Object.entries(textsOf(cell))) found.set(property, value);
  });
  return found;
}
