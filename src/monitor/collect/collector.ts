import type { Sample } from '../metrics/metric.ts';

/** What collectors need to know about the server they ask, read once per connection. */
export interface ServerFacts {
  /** e.g. 150018. */
  readonly versionNumber: number;
  /** e.g. 15. */
  readonly major: number;
  /** e.g. `15.18`. */
  readonly version: string;
  readonly database: string;
}

/** The answer to a question, every value in PostgreSQL's own text form: what becomes a number is the collector's to say. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Asks the database. The statement is prepared under `name` once per connection, so that the server plans it once; the
 * questions of a scrape travel together and are answered in their order, each with its own success or error.
 */
export type Ask = (
  name: string,
  text: string,
  values?: readonly (string | number | readonly string[])[],
) => Promise<Answer>;

/** What a collector brings. */
export interface Reading {
  readonly samples: readonly Sample[];
  /** What it could not read although it read the rest, a line each: the collector then counts as failed. */
  readonly problems?: readonly string[];
}

/** One question to a database. Those of scope `server` are asked in one database of each server, the others in every one. */
export interface Collector {
  /** The value of the label `collector`. */
  readonly name: string;
  readonly scope: 'server' | 'database';
  /** Whether this server has what is asked for; those that have not are left out, which is no failure. */
  runsOn?(server: ServerFacts): boolean;
  /** What it throws is reported as this collector's failure, and fails no other. */
  collect(ask: Ask, server: ServerFacts): Promise<Reading>;
}
