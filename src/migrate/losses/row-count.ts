import type pg from 'pg';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf } from '../../core/errors.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';

/** How many rows; null where that cannot be known. `estimated`: by the statistics, because counting took too long. */
export interface RowCount {
  readonly rows: number | null;
  readonly estimated?: true;
}

export interface CountedRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

/** How long one table is counted, and all together, before the estimate has to do. Milliseconds. */
export const DEFAULT_COUNT_LIMIT_MS = 3000;
const TABLES_AT_THE_LIMIT = 4;
/** Not worth asking. */
const TOO_SHORT_MS = 10;

/**
 * Counts rows within a bound of time, whoever holds the tables and however large they are. Needs no right: what may not
 * be read is unknown. The session should be read-only; it takes ACCESS SHARE on what it counts, statement by statement.
 */
export class RowCounter {
  readonly #client: pg.Client;
  readonly #context: Pick<RunContext, 'clock' | 'signal'>;
  readonly #limitMs: number;
  readonly #endMs: number;

  constructor(client: pg.Client, context: Pick<RunContext, 'clock' | 'signal'>, limitMs = DEFAULT_COUNT_LIMIT_MS) {
    this.#client = client;
    this.#context = context;
    this.#limitMs = limitMs;
    this.#endMs = context.clock.monotonicMs() + limitMs * TABLES_AT_THE_LIMIT;
  }

  /** `only`: without the tables that inherit from it. */
  rowsOf(relation: CountedRelation, { only }: { readonly only: boolean }): Promise<RowCount> {
    return this.#count(relation, '*', only, undefined);
  }

  /** The rows in which the column has a value. */
  valuesOf(relation: CountedRelation, column: string, { only }: { readonly only: boolean }): Promise<RowCount> {
    return this.#count(relation, quoteIdentifier(column), only, column);
  }

  async #count(relation: CountedRelation, what: string, only: boolean, column: string | undefined): Promise<RowCount> {
    const leftMs = Math.min(this.#limitMs, this.#endMs - this.#context.clock.monotonicMs());
    if (leftMs < TOO_SHORT_MS) return this.#estimate(relation, only, column);
    const table = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
    try {
      // What row security hides would be missing from the number without a word.
      await this.#client.query(`set row_security = off; set statement_timeout = ${Math.ceil(leftMs)}`);
      const { rows } = await this.#client.query<{ count: string }>(
        `select count(${what}) from ${only ? 'only ' : ''}${table}`,
      );
      return { rows: Number(rows[0]!.count) };
    } catch (error) {
      stopIfInterrupted(this.#context);
      const code = codeOf(error);
      if (isConnectionLoss(error) || code === undefined) throw error;
      return OUT_OF_TIME.has(code) ? await this.#estimate(relation, only, column) : { rows: null };
    } finally {
      await this.#client.query('reset statement_timeout; reset row_security').catch(() => {});
    }
  }

  async #estimate(
    { oid, schema, name }: CountedRelation,
    only: boolean,
    column: string | undefined,
  ): Promise<RowCount> {
    const { rows } = await this.#client.query<{ rows: string | null }>(ESTIMATE, [
      oid,
      only,
      schema,
      name,
      column ?? null,
    ]);
    const estimate = rows[0]!.rows;
    return estimate === null ? { rows: null } : { rows: Number(estimate), estimated: true };
  }
}

/** statement_timeout, lock_timeout. */
const OUT_OF_TIME: ReadonlySet<string> = new Set(['57014', '55P03']);

/** A partitioned table has its rows in its partitions. reltuples is -1 before the first VACUUM or ANALYZE. */
const ESTIMATE = `
with recursive part as (
  select $1::oid as oid
  union
  select i.inhrelid from part p join pg_catalog.pg_inherits i on i.inhparent = p.oid where not $2
), counted as (
  select case when c.reltuples >= 0 then c.reltuples::float8
              else nullif(pg_catalog.pg_stat_get_live_tuples(c.oid), 0)::float8 end as rows
    from part join pg_catalog.pg_class c on c.oid = part.oid where c.relkind in ('r', 'm')
)
select round(case when bool_or(rows is null) then null else sum(rows) end
         * (1 - coalesce((select s.null_frac from pg_catalog.pg_stats s
             where s.schemaname = $3 and s.tablename = $4 and s.attname = $5 order by s.inherited desc limit 1), 0))) as rows
  from counted`;
