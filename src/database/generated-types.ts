// Generated from the live database: structdb migrate types --out <this file>. Do not edit; CI compares it (--check).
import type { ColumnType } from "kysely";

export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S, I | undefined, U>
  : ColumnType<T, T | undefined, T>;

export type Int8 = ColumnType<string, bigint | number | string, bigint | number | string>;

export type Json = JsonValue;

export type JsonArray = JsonValue[];

export type JsonObject = {
  [x: string]: JsonValue | undefined;
};

export type JsonPrimitive = boolean | number | string | null;

export type JsonValue = JsonArray | JsonObject | JsonPrimitive;

export type Numeric = ColumnType<string, number | string, number | string>;

export type ProjectEventType = "archived" | "calculated" | "created" | "exported" | "payload_saved" | "restored" | "status_changed" | "updated";

export type ProjectStatus = "active" | "archived" | "completed" | "draft" | "on_hold";

export type Timestamp = ColumnType<Date, Date | string, Date | string>;

export interface CalibrationConstants {
  description: string;
  effective: string;
  name: string;
  source: string;
  unit: string;
  value: Numeric;
  version: string;
}

export interface CodeReferences {
  edition: string;
  expression: string | null;
  section: string;
  standard: string;
  title: string;
  topic: string | null;
  url: string | null;
}

export interface MaterialCatalog {
  /**
   * Cross-sectional area: in² | mm²
   */
  area: Numeric | null;
  /**
   * Overall depth: in | mm
   */
  depth: Numeric | null;
  designation: string;
  edition: string;
  /**
   * Specified minimum tensile strength: ksi | MPa
   */
  fu: Numeric | null;
  /**
   * Specified minimum yield stress: ksi | MPa
   */
  fy: Numeric | null;
  /**
   * Moment of inertia about the x-axis: in⁴ | mm⁴
   */
  ix: Numeric | null;
  /**
   * Moment of inertia about the y-axis: in⁴ | mm⁴
   */
  iy: Numeric | null;
  kind: string;
  manual_label: string | null;
  product_form: string | null;
  properties: Generated<Json>;
  retired_at: Timestamp | null;
  /**
   * Radius of gyration about the x-axis: in | mm
   */
  rx: Numeric | null;
  /**
   * Radius of gyration about the y-axis: in | mm
   */
  ry: Numeric | null;
  shape_type: string | null;
  standard: string;
  /**
   * Elastic section modulus about the x-axis: in³ | mm³
   */
  sx: Numeric | null;
  /**
   * Elastic section modulus about the y-axis: in³ | mm³
   */
  sy: Numeric | null;
  unit_system: string;
  variant: Generated<string>;
  /**
   * Nominal weight per length: lb/ft | kg/m
   */
  weight: Numeric | null;
  /**
   * Plastic section modulus about the x-axis: in³ | mm³
   */
  zx: Numeric | null;
  /**
   * Plastic section modulus about the y-axis: in³ | mm³
   */
  zy: Numeric | null;
}

export interface PricingConfigs {
  currency: string;
  effective: string;
  item_code: string;
  unit: string;
  /**
   * Price of one unit, in the currency of the row
   */
  unit_price: Numeric;
  version: string;
}

export interface ProjectDashboard {
  account_id: string | null;
  last_activity: Timestamp | null;
  mean_confidence: Numeric | null;
  month: Timestamp | null;
  project_count: Int8 | null;
  status: ProjectStatus | null;
}

export interface ProjectEvents {
  actor: string;
  data: Generated<Json>;
  event_id: Generated<Int8>;
  event_type: ProjectEventType;
  occurred_at: Generated<Timestamp>;
  project_id: string;
}

export interface ProjectPayloads {
  /**
   * How far the result is trusted, 0 to 1
   */
  confidence: Numeric | null;
  /**
   * Release of calibration_constants that was used
   */
  constants_version: string | null;
  /**
   * SHA-256 of the RFC 8785 form of the payload, 64 lower-case hex digits
   */
  content_sha256: string | null;
  created_at: Generated<Timestamp>;
  created_by: string;
  module: string;
  payload: Json;
  payload_id: Generated<Int8>;
  project_id: string;
  version: number;
}

export interface Projects {
  account_id: string;
  /**
   * How far the result is trusted, 0 to 1
   */
  confidence: Numeric | null;
  /**
   * Release of calibration_constants that was used
   */
  constants_version: string | null;
  /**
   * SHA-256 of the RFC 8785 form of the payload, 64 lower-case hex digits
   */
  content_sha256: string | null;
  created_at: Generated<Timestamp>;
  created_by: string;
  customer: string | null;
  name: string;
  project_id: Generated<string>;
  site_name: string | null;
  status: Generated<ProjectStatus>;
  updated_at: Generated<Timestamp>;
  updated_by: string;
  version: Generated<number>;
}

export interface DB {
  calibration_constants: CalibrationConstants;
  code_references: CodeReferences;
  material_catalog: MaterialCatalog;
  pricing_configs: PricingConfigs;
  project_dashboard: ProjectDashboard;
  project_events: ProjectEvents;
  project_payloads: ProjectPayloads;
  projects: Projects;
}
