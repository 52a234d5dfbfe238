import type { Properties } from '../properties.ts';
import type { CatalogRow } from '../rows.ts';

/** A value in which two rows differ. */
export interface Difference {
  /** A column of the database or the name of a property. */
  readonly name: string;
  readonly first: string | null;
  readonly second: string | null;
}

/** The first value that two rows of the same key do not have in common, in the order of the columns. */
export function firstDifference(
  first: CatalogRow,
  second: CatalogRow,
  columns: ReadonlySet<string>,
): Difference | undefined {
  for (const name of columns) {
    const values = { name, first: textOfColumn(first, name), second: textOfColumn(second, name) };
    if (values.first !== values.second) return values;
  }
  return undefined;
}

/** Numbers are exact decimals in one spelling, so that equal texts are equal numbers. */
function textOfColumn(row: CatalogRow, name: string): string | null {
  if ('section' in row) return (row as unknown as Record<string, string | null>)[name] ?? null;
  const own = { ...row.texts, ...row.numbers } as Readonly<Record<string, string | null | undefined>>;
  return own[name] ?? textOf(row.properties, name);
}

function textOf(properties: Properties, name: string): string | null {
  const value = properties.get(name);
  return typeof value === 'object' ? value.text : (value ?? null);
}
