/**
 * A check of the compiler, not of jest: the types that applications use (src/database/types.ts), which say more than the
 * catalog knows, have exactly the relations and columns of the generated ones, and null in none where they have it not.
 */
import type { Selectable } from 'kysely';
import type { DB } from '../../src/database/generated-types.ts';
import type { Database } from '../../src/database/types.ts';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** What a view's columns may be is not in the catalog: there, each may be null. */
type Tables = Exclude<keyof DB, 'project_dashboard'>;
type Nullable<Row> = { [Column in keyof Row]: null extends Row[Column] ? true : false };

export type SameRelations = Same<keyof Database, keyof DB>;
export type SameColumns = { [Table in keyof DB]: Same<keyof Database[Table], keyof DB[Table]> };
/** `payload` and `data` are jsonb: null is a JSON value, so the two sides have it alike. */
export type SameNulls = {
  [Table in Tables]: Same<Nullable<Selectable<Database[Table]>>, Nullable<Selectable<DB[Table]>>>;
};

export const relations: SameRelations = true;
export const columns: SameColumns = all();
export const nulls: SameNulls = all();

function all(): Record<keyof DB, true> {
  return {
    calibration_constants: true,
    code_references: true,
    material_catalog: true,
    pricing_configs: true,
    project_dashboard: true,
    project_events: true,
    project_payloads: true,
    projects: true,
  };
}
