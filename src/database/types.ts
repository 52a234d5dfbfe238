import type { ColumnType, Generated } from 'kysely';
// The values of the two enums; the sample, a layer below, makes them.
import type { ProjectEventType, ProjectStatus } from '../sample/index.ts';

export type { ProjectEventType, ProjectStatus };

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Read as exact decimal text, so that no digit is lost; written as text or number. */
type Decimal = ColumnType<string, string | number, string | number>;
type NullableDecimal = ColumnType<string | null, string | number | null | undefined, string | number | null>;
type ReadOnly<T> = ColumnType<T, never, never>;
/** bigint, read as text. */
type BigIntText = ReadOnly<string>;
type DefaultedTimestamp = ColumnType<Date, Date | string | undefined, Date | string>;
/** Written as JSON text: pg would send an array as a PostgreSQL array. */
type DefaultedJson = ColumnType<Json, string | undefined, string>;
/** A range of dates in PostgreSQL's form, `[2026-01-01,)`. */
type DateRange = ColumnType<string, string, string>;
/** Set on insert and never after. */
type Once<T, Insert = T> = ColumnType<T, Insert, never>;

export interface ProjectsTable {
  project_id: Generated<string>;
  account_id: string;
  name: string;
  customer: string | null;
  site_name: string | null;
  status: Generated<ProjectStatus>;
  created_by: string;
  updated_by: string;
  created_at: DefaultedTimestamp;
  /** Set by a trigger on update. */
  updated_at: ColumnType<Date, Date | string | undefined, never>;
  /** Set by a trigger on update: the optimistic lock. */
  version: ColumnType<number, number | undefined, never>;
  constants_version: string | null;
  content_sha256: string | null;
  confidence: NullableDecimal;
}

/** Rows are never changed. */
export interface ProjectPayloadsTable {
  project_id: Once<string>;
  payload_id: BigIntText;
  version: Once<number>;
  module: Once<string>;
  payload: ColumnType<Json, string, never>;
  created_by: Once<string>;
  created_at: ColumnType<Date, Date | string | undefined, never>;
  constants_version: Once<string | null, string | null | undefined>;
  /** NULL only in payloads from before migration 006. */
  content_sha256: Once<string | null, string>;
  confidence: ColumnType<string | null, string | number | null | undefined, never>;
}

/** Rows are never changed. */
export interface ProjectEventsTable {
  project_id: Once<string>;
  event_id: BigIntText;
  event_type: Once<ProjectEventType>;
  actor: Once<string>;
  occurred_at: ColumnType<Date, Date | string | undefined, never>;
  data: ColumnType<Json, string | undefined, never>;
}

export interface CalibrationConstantsTable {
  name: string;
  version: string;
  value: Decimal;
  unit: string;
  description: string;
  source: string;
  effective: DateRange;
}

export interface PricingConfigsTable {
  item_code: string;
  version: string;
  unit_price: Decimal;
  currency: string;
  unit: string;
  effective: DateRange;
}

export interface MaterialCatalogTable {
  standard: string;
  edition: string;
  unit_system: 'US' | 'SI';
  designation: string;
  variant: Generated<string>;
  kind: 'shape' | 'material' | 'bolt';
  shape_type: string | null;
  manual_label: string | null;
  product_form: string | null;
  weight: NullableDecimal;
  area: NullableDecimal;
  depth: NullableDecimal;
  ix: NullableDecimal;
  sx: NullableDecimal;
  zx: NullableDecimal;
  rx: NullableDecimal;
  iy: NullableDecimal;
  sy: NullableDecimal;
  zy: NullableDecimal;
  ry: NullableDecimal;
  fy: NullableDecimal;
  fu: NullableDecimal;
  properties: DefaultedJson;
  retired_at: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
}

export interface CodeReferencesTable {
  standard: string;
  edition: string;
  section: string;
  title: string;
  topic: string | null;
  expression: string | null;
  url: string | null;
}

/** The materialised view: as of the last refresh. */
export interface ProjectDashboardView {
  account_id: ReadOnly<string>;
  status: ReadOnly<ProjectStatus>;
  /** First day of the month of creation (UTC). */
  month: ReadOnly<Date>;
  project_count: BigIntText;
  last_activity: ReadOnly<Date>;
  mean_confidence: ReadOnly<string | null>;
}

/** Kysely's view of schema public after migration 006. */
export interface Database {
  projects: ProjectsTable;
  project_payloads: ProjectPayloadsTable;
  project_events: ProjectEventsTable;
  calibration_constants: CalibrationConstantsTable;
  pricing_configs: PricingConfigsTable;
  material_catalog: MaterialCatalogTable;
  code_references: CodeReferencesTable;
  project_dashboard: ProjectDashboardView;
}
