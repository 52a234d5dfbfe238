import type { Objectives } from '../config/schema.ts';
import type { LiveState } from './live.ts';
import type { PromiseVerdict } from './promise.ts';

/** All that the status page shows, at one instant; also what `/api/state` answers as JSON. */
export interface MonitorView {
  readonly at: Date;
  readonly toolVersion: string;
  /** Broken ones first, then unknown, then kept, then none. */
  readonly promises: readonly PromiseVerdict[];
  /** One per monitored database, the configured one first. */
  readonly databases: readonly LiveState[];
  readonly objectives: Objectives;
}
