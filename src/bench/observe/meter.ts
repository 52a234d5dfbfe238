import type pg from 'pg';
import { addSpans, type Counters, type HitRates, hitRates, readCounters, type Span, spanOf } from './counters.ts';
import {
  findStatementStatistics,
  readStatements,
  type StatementCounts,
  type StatementReading,
  type StatementStatistics,
} from './statements.ts';

export interface MeterOptions {
  /** A connection that runs none of the queries. */
  readonly observer: pg.Client;
  /** Makes every session that runs them hand in its counters. */
  readonly drain: () => Promise<void>;
  /** What pg_stat_statements may count them under. */
  readonly queryIds: readonly string[];
}

/** What the server counted while queries were timed. */
export interface MeterReading {
  readonly total: HitRates;
  /** By the names that `charge` was given. */
  readonly parts: ReadonlyMap<string, HitRates>;
  /** By query identifier; a reason why there are none. */
  readonly statements: ReadonlyMap<string, StatementCounts> | Exclude<StatementStatistics, object>;
  readonly statementsReset: boolean;
}

/**
 * Reads the server's counters before and after each part of a timed run, with all sessions drained before each reading, so
 * that what is counted belongs to the part and to nothing else.
 */
export class Meter {
  readonly #options: MeterOptions;
  readonly #statistics: StatementStatistics;
  readonly #statementsBefore: StatementReading | undefined;
  readonly #parts = new Map<string, Span>();
  #last: Counters;
  #total: Span;

  private constructor(
    options: MeterOptions,
    last: Counters,
    statistics: StatementStatistics,
    statements: StatementReading | undefined,
  ) {
    this.#options = options;
    this.#last = last;
    this.#total = spanOf(last, last);
    this.#statistics = statistics;
    this.#statementsBefore = statements;
  }

  static async start(options: MeterOptions): Promise<Meter> {
    const { observer, drain, queryIds } = options;
    const statistics = await findStatementStatistics(observer);
    await drain();
    const statements =
      typeof statistics === 'object' ? await readStatements(observer, statistics, queryIds) : undefined;
    return new Meter(options, await readCounters(observer), statistics, statements);
  }

  /** What was counted since the last reading belongs to this part; a part may have several spans. */
  async charge(part: string): Promise<void> {
    const { observer, drain } = this.#options;
    await drain();
    const now = await readCounters(observer);
    const span = spanOf(this.#last, now);
    const former = this.#parts.get(part);
    this.#parts.set(part, former ? addSpans(former, span) : span);
    this.#total = addSpans(this.#total, span);
    this.#last = now;
  }

  async finish(): Promise<MeterReading> {
    const { observer, queryIds } = this.#options;
    const before = this.#statementsBefore;
    const common = {
      total: hitRates(this.#total),
      parts: new Map([...this.#parts].map(([part, span]) => [part, hitRates(span)])),
    };
    if (typeof this.#statistics !== 'object' || !before) {
      return {
        ...common,
        statements: this.#statistics as Exclude<StatementStatistics, object>,
        statementsReset: false,
      };
    }
    if (queryIds.length === 0) return { ...common, statements: 'switched off', statementsReset: false };
    const after = await readStatements(observer, this.#statistics, queryIds);
    return {
      ...common,
      statements: new Map(
        [...after.counts].map(([id, { calls, hits, reads, executionMs }]) => {
          const former = before.counts.get(id);
          return [
            id,
            {
              calls: calls - (former?.calls ?? 0),
              hits: hits - (former?.hits ?? 0),
              reads: reads - (former?.reads ?? 0),
              executionMs: executionMs - (former?.executionMs ?? 0),
            },
          ];
        }),
      ),
      statementsReset: before.resetAt !== after.resetAt,
    };
  }
}
