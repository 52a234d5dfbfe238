import type { Properties } from '../properties.ts';
import { KEY_COLUMNS, type MaterialRow, NUMBER_COLUMNS, type ReferenceRow, TEXT_COLUMNS } from '../rows.ts';

/** A table that an import fills: its key and the other columns in the order in which they are staged. */
export interface TargetTable {
  readonly name: 'public.material_catalog' | 'public.code_references';
  readonly key: readonly string[];
  readonly values: readonly { readonly name: string; readonly type: 'text' | 'numeric' | 'jsonb' }[];
  /** Rows that a whole table no longer has are marked, not deleted: old calculations cite them. */
  readonly retires: boolean;
}

export const MATERIALS: TargetTable = Object.freeze({
  name: 'public.material_catalog',
  key: KEY_COLUMNS,
  values: [
    ...TEXT_COLUMNS.map((name) => ({ name, type: 'text' as const })),
    ...NUMBER_COLUMNS.map((name) => ({ name, type: 'numeric' as const })),
    { name: 'properties', type: 'jsonb' as const },
  ],
  retires: true,
});

const REFERENCE_TEXTS = ['title', 'topic', 'expression', 'url'] as const;

export const REFERENCES: TargetTable = Object.freeze({
  name: 'public.code_references',
  key: ['standard', 'edition', 'section'],
  values: REFERENCE_TEXTS.map((name) => ({ name, type: 'text' as const })),
  retires: false,
});

/** A row as it is staged. */
export interface StagedRow {
  /** Where its record begins in the file. */
  readonly line: number;
  readonly standard: string;
  readonly edition: string;
  /** Only materials have one. */
  readonly unitSystem?: string;
  /** Of a shape; null for other materials, where it is part of the name. */
  readonly variant?: string | null;
  /** In the order of the table's columns. */
  readonly cells: readonly (string | null)[];
  /** Those that stand in the cells as JSON, where they are at hand. */
  readonly properties?: Properties;
}

/** The row as its table takes it. */
export function stagedRow(row: MaterialRow | ReferenceRow): StagedRow {
  const { line, standard, edition } = row;
  if ('section' in row) return { line, standard, edition, cells: referenceCells(row) };
  const { unitSystem, properties } = row;
  return { line, standard, edition, unitSystem, variant: variantOf(row), cells: materialCells(row), properties };
}

function variantOf({ texts, variant }: MaterialRow): string | null {
  return texts.kind === 'shape' ? variant : null;
}

function materialCells(row: MaterialRow): (string | null)[] {
  const cells: (string | null)[] = [row.standard, row.edition, row.unitSystem, row.designation, row.variant];
  for (const name of TEXT_COLUMNS) cells.push(row.texts[name] ?? null);
  for (const name of NUMBER_COLUMNS) cells.push(row.numbers[name] ?? null);
  cells.push(row.properties.toJson());
  return cells;
}

function referenceCells(row: ReferenceRow): (string | null)[] {
  return [row.standard, row.edition, row.section, ...REFERENCE_TEXTS.map((name) => row[name])];
}
