import pg from 'pg';
import { codeOf } from '../core/errors.ts';
import { StatementNames } from './statement-names.ts';

/** What can be prepared and gains by it. */
const PREPARABLE = /^\s*(?:select|insert|update|delete|merge|with|values)\b/i;

/** PostgreSQL's plan of a statement no longer fits the table: cached plan must not change result type. */
const FEATURE_NOT_SUPPORTED = '0A000';
/** No such prepared statement: somebody dropped it, or a pooler gave the next transaction another session. */
const UNDEFINED_STATEMENT = '26000';
/** It is there already: so it is when a pooler handed over the session of another client. */
const DUPLICATE_STATEMENT = '42P05';

/** Without values a text may hold several statements, of which only one could be prepared. */
function isPreparable(config: unknown, values: unknown): boolean {
  if (typeof config !== 'string' || !Array.isArray(values)) return false;
  return PREPARABLE.test(config) && (values.length > 0 || !config.includes(';'));
}

type Callback = (error: Error | undefined, result?: pg.QueryResult) => void;
type Ask = (config: unknown, values?: unknown, callback?: unknown) => unknown;

/**
 * A connection that prepares by itself what it is asked again: the server then parses a statement once for each session,
 * and plans it at most some times (manual, PREPARE, "Notes"), instead of at every call. Statements are seen when they come
 * as a text with a list of values, as Kysely and `pool.query(text, values)` send them; all else is sent as it is.
 *
 * Nothing has to be known of it. Where a prepared statement fails for being one (a column changed its type, `DISCARD ALL`,
 * a pooler in transaction mode), it has not run, and is asked once more without. The error is the caller's within a
 * transaction, which it ended, and where more was asked meanwhile without waiting: the statement would come after that, and
 * perhaps on the other side of a COMMIT.
 */
export class PreparingClient extends pg.Client {
  readonly #names = new StatementNames();
  #prepares = true;
  /** Tells whether anything was asked after a statement. */
  #asked = 0;
  readonly #ask: Ask = super.query.bind(this) as Ask;

  /** The overloads are those of pg.Client. */
  // biome-ignore lint/suspicious/noExplicitAny: pg's own overloads cannot be written again without it
  override query(config: any, values?: any, callback?: any): any {
    this.#asked += 1;
    const named = this.#prepares && isPreparable(config, values) ? this.#names.use(config) : undefined;
    if (named === undefined) return this.#ask(config, values, callback);
    // Answered by CloseComplete, which pg passes over.
    if (named.evicted !== undefined) this.#close(named.evicted);
    const text: string = config;
    const turn = this.#asked;
    // When the error comes, the status is still that in which the statement ran.
    const mayRetry = () => turn === this.#asked && this.getTransactionStatus() === 'I';
    const prepared = { name: named.name, text, values };
    if (typeof callback === 'function') {
      const answer = callback as Callback;
      return this.#ask(prepared, (error: Error | undefined, result?: pg.QueryResult) => {
        if (error && this.#failedForBeingPrepared(error, text, named.name) && mayRetry())
          this.#ask(text, values, answer);
        else answer(error, result);
      });
    }
    return (this.#ask(prepared) as Promise<pg.QueryResult>).catch((error: unknown) => {
      if (this.#failedForBeingPrepared(error, text, named.name) && mayRetry()) return this.#ask(text, values);
      throw error;
    });
  }

  /** Also sees to it that the same does not happen to the next one. */
  #failedForBeingPrepared(error: unknown, text: string, name: string): boolean {
    const code = codeOf(error);
    if (code === UNDEFINED_STATEMENT || code === DUPLICATE_STATEMENT) {
      this.#prepares = false;
      return true;
    }
    // The same SQLSTATE says other things too; the name of the function does not depend on lc_messages.
    const { routine } = error as { routine?: string };
    if (code !== FEATURE_NOT_SUPPORTED || routine !== 'RevalidateCachedQuery') return false;
    this.#names.renew(text);
    this.#close(name);
    return true;
  }

  #close(name: string): void {
    this.connection.close({ type: 'S', name }, false);
  }
}
