import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Database } from '../../database/types.ts';
import { createPool } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { drain } from '../observe/counters.ts';
import type { Suite } from '../suite/query.ts';
import { runClosedLoop } from './closed-loop.ts';
import { type Lag, runOpenLoop } from './open-loop.ts';
import type { Load } from './request.ts';
import type { Records } from './samples.ts';
import type { Share, Stretch } from './stretch.ts';

export interface StationOptions {
  readonly connection: ConnectionSettings;
  readonly queries: Suite['queries'];
  readonly parameters: unknown;
  /** Connections of its pool, and requests under way at most. */
  readonly clients: number;
  /** Whether statements that come again are prepared, as those of createDatabase are. */
  readonly prepare: boolean;
  /** When the run began, by the machine's monotonic clock (`machineMs`). */
  readonly zeroMs: number;
}

/** What one event loop measured, and how busy it was. */
export interface StationOutcome {
  readonly records: Records;
  /** Of an open loop. */
  readonly lag: Lag | null;
  readonly busy: Busy;
}

/** How much of a client's time its event loop worked. */
export interface Busy {
  /** 0 to 1: the share of the time in which the event loop did not wait for anything. */
  readonly loop: number;
  /** p99 of how late the event loop comes to a timer, ms. */
  readonly delayMs: number;
  /** Time in which it had work, ms. */
  readonly activeMs: number;
}

const DELAY_RESOLUTION_MS = 5;

/** One event loop with a pool of its own: a part, or the whole, of what asks the database. */
export class Station {
  readonly #pool: pg.Pool;
  readonly #load: Load;
  readonly #zeroMs: number;

  private constructor(pool: pg.Pool, load: Load, zeroMs: number) {
    this.#pool = pool;
    this.#load = load;
    this.#zeroMs = zeroMs;
  }

  static async open(options: StationOptions): Promise<Station> {
    const { connection, queries, parameters, clients, prepare, zeroMs } = options;
    const pool = await createPool(readOnly(connection), profiles.bench, { max: clients, prepare });
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
    return new Station(pool, { db, queries, parameters, clients }, zeroMs);
  }

  /** @throws BENCH_QUERY_FAILED, BENCH_QUERY_WRITES */
  async run(stretch: Stretch, share: Share, signal: AbortSignal): Promise<StationOutcome> {
    const shiftMs = machineMs() - performance.now() - this.#zeroMs;
    const options = { share, shiftMs, signal };
    const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    delay.enable();
    const before = performance.eventLoopUtilization();
    const { ratePerSecond } = stretch;
    const { records, lag } =
      ratePerSecond === null
        ? { records: await runClosedLoop(this.#load, stretch, options), lag: null }
        : await runOpenLoop(this.#load, { ...stretch, ratePerSecond }, options);
    const { utilization, active } = performance.eventLoopUtilization(before);
    delay.disable();
    const delayMs = delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
    return { records, lag, busy: { loop: utilization, delayMs, activeMs: active } };
  }

  /** Makes its sessions hand in their counters. */
  drain(): Promise<void> {
    return drain(this.#pool, this.#load.clients);
  }

  close(): Promise<void> {
    return this.#load.db.destroy();
  }
}

/** The machine's monotonic clock in milliseconds: the same in all threads, unlike performance.now(). */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A query that writes is refused by the server itself, whatever function it hides in. */
export function readOnly(connection: ConnectionSettings): ConnectionSettings {
  const options = [connection.options, '-c default_transaction_read_only=on'].filter(Boolean).join(' ');
  return { ...connection, options };
}
