import type pg from 'pg';
import type { Sample } from '../metrics/metric.ts';

/** What collectors need to know about the server they ask, read once per connection. */
export interface ServerFacts {
  /** e.g. 150018. */
  readonly versionNumber: number;
  /** e.g. `15.18`. */
  readonly version: string;
  readonly database: string;
}

/** One question to a database. Those of scope `server` are asked in one database of each server, the others in every one. */
export interface Collector {
  /** The value of the label `collector`. */
  readonly name: string;
  readonly scope: 'server' | 'database';
  /** What fails is reported as this collector's failure, and fails no other. */
  collect(client: pg.ClientBase, server: ServerFacts): Promise<Sample[]>;
}
