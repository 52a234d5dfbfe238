import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { type Lsn, parseLsn } from '../../core/lsn.ts';
import { connect } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

/** How often a row is written. */
const INTERVAL_MS = 50;

export const MARKER_TABLE = 'structdb_marker';
export const CREATE_MARKER = `create table ${MARKER_TABLE} (
  id int primary key, written_at text not null, body text not null, hash text not null)`;

/** A row that the server said is committed, as its writer remembers it, outside the server. */
export interface AcknowledgedRow {
  readonly id: number;
  readonly hash: string;
  /** When the server said so. */
  readonly atMs: number;
  /** The commit ends at or before this byte; undefined when the server was gone before it could be asked. */
  readonly lsn: Lsn | undefined;
}

export interface MarkerRow {
  readonly id: number;
  readonly written_at: string;
  readonly body: string;
  readonly hash: string;
}

/** What the hash of a row covers: everything else in it. */
export function rowHash({ id, written_at, body }: Omit<MarkerRow, 'hash'>): string {
  return createHash('sha256').update(`${id}|${written_at}|${body}`).digest('hex');
}

/**
 * Writes a row every 50 ms, each committed by itself, and remembers which ones the server acknowledged. A server that
 * goes away ends the writing; `follow` goes on with another one.
 */
export class MarkerWriter {
  readonly acknowledged: AcknowledgedRow[] = [];
  /** Sent, and not answered: such a row may be there or not. */
  readonly inDoubt = new Map<number, string>();
  readonly #context: RunContext;
  #nextId = 1;
  #client: pg.Client | undefined;
  #work: Promise<void> = Promise.resolve();
  #writing = false;

  constructor(context: RunContext) {
    this.#context = context;
  }

  get newest(): AcknowledgedRow | undefined {
    return this.acknowledged.at(-1);
  }

  /** Writes on that server from now on. */
  async follow(connection: ConnectionSettings): Promise<void> {
    const client = await connect(connection, profiles.drill);
    this.#client = client;
    this.#writing = true;
    this.#work = this.#write(client).catch(() => {
      this.#writing = false;
    });
  }

  /** Ends the writing after the row that is under way. */
  async stop(): Promise<void> {
    this.#writing = false;
    await this.#work;
    await this.#client?.end().catch(() => {});
  }

  /** Ends it at once, also when the server does not answer any more. */
  async abandon(): Promise<void> {
    this.#writing = false;
    (
      this.#client as unknown as { connection: { stream: { destroy(): void } } } | undefined
    )?.connection.stream.destroy();
    await this.#work;
  }

  /** Waits until that many more rows are acknowledged. @throws CHECK_FAILED when the server does not take them in time */
  async more(rows: number, timeoutMs = 30_000): Promise<void> {
    const { clock } = this.#context;
    const wanted = this.acknowledged.length + rows;
    const deadline = clock.monotonicMs() + timeoutMs;
    while (this.acknowledged.length < wanted) {
      stopIfInterrupted(this.#context);
      if (clock.monotonicMs() > deadline || !this.#writing) {
        throw new StructdbError('CHECK_FAILED', 'The private server does not take rows any more.');
      }
      await wait(10);
    }
  }

  async #write(client: pg.Client): Promise<void> {
    const { clock } = this.#context;
    let due = clock.monotonicMs();
    while (this.#writing) {
      await this.#writeRow(client);
      due = Math.max(due + INTERVAL_MS, clock.monotonicMs());
      await wait(Math.max(0, due - clock.monotonicMs()));
    }
  }

  async #writeRow(client: pg.Client): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 1;
    const written_at = this.#context.clock.now().toISOString();
    const body = randomBytes(96).toString('base64');
    const hash = rowHash({ id, written_at, body });
    this.inDoubt.set(id, hash);
    await client.query(`insert into ${MARKER_TABLE} values ($1, $2, $3, $4)`, [id, written_at, body, hash]);
    const atMs = this.#context.clock.now().getTime();
    this.inDoubt.delete(id);
    const lsn = await client
      .query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
      .then(({ rows }) => parseLsn(rows[0]!.lsn))
      .catch(() => undefined);
    this.acknowledged.push({ id, hash, atMs, lsn });
  }
}
