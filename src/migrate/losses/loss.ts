import type { RowCount } from './row-count.ts';

interface OfMigration {
  readonly migration: string;
  /** A DO block decides whether it comes to that. */
  readonly perhaps?: true;
}

interface TakenByCascade {
  /** Not named by the migration: it depends on what is, and CASCADE takes it along. */
  readonly cascade?: true;
}

/**
 * What goes when migrations are taken back. `table` is written as in SQL, without `public.`. `rows`: of a table all, of a
 * column those that have a value, of `deleted` and `seeds` the most that can go; null where it is not known.
 */
export type Loss =
  | (OfMigration &
      TakenByCascade &
      RowCount & { readonly kind: 'table' | 'materialised view' | 'emptied' | 'deleted'; readonly table: string })
  | (OfMigration & TakenByCascade & { readonly kind: 'view' | 'foreign table'; readonly table: string })
  | (OfMigration &
      TakenByCascade &
      RowCount & { readonly kind: 'column'; readonly table: string; readonly column: string })
  | (OfMigration & RowCount & { readonly kind: 'seeds'; readonly table: string })
  | (OfMigration & TakenByCascade & { readonly kind: 'foreign key'; readonly table: string; readonly name: string })
  /** Without rows: a schema, an extension, a function that depends on what goes. */
  | (OfMigration & TakenByCascade & { readonly kind: 'object'; readonly what: string; readonly name: string })
  /** What this statement of the migration (from 1) loses cannot be told: `what` runs code. */
  | (OfMigration & { readonly kind: 'unknown'; readonly statement: number; readonly what: string });
