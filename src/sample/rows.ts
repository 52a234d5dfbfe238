/** The rows that the sample generator makes: what is given on insert, ids and defaults of the database left out. */

export type ProjectStatus = 'draft' | 'active' | 'on_hold' | 'completed' | 'archived';

export type ProjectEventType =
  | 'created'
  | 'updated'
  | 'status_changed'
  | 'payload_saved'
  | 'calculated'
  | 'exported'
  | 'archived'
  | 'restored';

/** Times are ISO 8601 in UTC; JSON is its RFC 8785 text; `null` is NULL. */
export interface ProjectRow {
  readonly project_id: string;
  readonly account_id: string;
  readonly name: string;
  readonly customer: string;
  readonly site_name: string;
  readonly status: ProjectStatus;
  readonly created_by: string;
  readonly updated_by: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly version: number;
  readonly constants_version: string | null;
  readonly content_sha256: string | null;
  readonly confidence: number | null;
}

export interface PayloadRow {
  readonly project_id: string;
  readonly version: number;
  readonly module: string;
  readonly payload: string;
  readonly created_by: string;
  readonly created_at: string;
  readonly constants_version: string;
  readonly content_sha256: string;
  readonly confidence: number;
}

export interface EventRow {
  readonly project_id: string;
  readonly event_type: ProjectEventType;
  readonly actor: string;
  readonly occurred_at: string;
  readonly data: string;
}

/** How much, and which of the endless supply: the same seed gives the same rows, a larger scale only adds to them. */
export interface SampleOptions {
  /**
   * Projects; with as many payloads and three times as many events. Exactly, for each ten among the first 700 of a
   * thousand and for whole thousands; most of what happens in the rest of a thousand happens in few projects.
   */
  readonly projects: number;
  /** A whole number from 0 to 2³² − 1. */
  readonly seed: number;
}

export const defaultSample: SampleOptions = Object.freeze({ projects: 10_000, seed: 1 });
