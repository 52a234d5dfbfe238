import type pg from 'pg';
import { quoteIdentifier } from '../../postgres/connect.ts';
import type { Statement } from '../suite/query.ts';

/** So often PostgreSQL plans a prepared statement for its values before it may take one plan for all (plancache.c). */
const CUSTOM_PLANS = 5;

/** The statements of one query, prepared in a session, as an application has them when it has asked for a while. */
export class PreparedForPlans {
  readonly #client: pg.Client;
  readonly #names = new Map<string, { readonly name: string; genericPlans: number }>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * EXPLAIN's words for this turn: `execute "…"('…')`, of a statement whose plan is settled. `statementOf` gives the other
   * turns, by whose values PostgreSQL decides; nothing is run for that.
   */
  async settled(turn: number, statementOf: (turn: number) => Statement): Promise<string> {
    const { sql, parameters } = statementOf(turn);
    if (!this.#names.has(sql)) {
      const name = `structdb_plans_${this.#names.size}`;
      await this.#client.query(`prepare ${quoteIdentifier(name)} as ${sql}`);
      this.#names.set(sql, { name, genericPlans: 0 });
      const alike = Array.from({ length: CUSTOM_PLANS }, (_, other) => statementOf(other)).filter(
        (each) => each.sql === sql,
      );
      for (let time = 0; time < CUSTOM_PLANS; time += 1) {
        const values = (alike[time % alike.length] ?? { parameters }).parameters;
        // Planning is what counts, and EXPLAIN alone does no more than that.
        await this.#client.query(`explain ${await this.#execute(name, values)}`);
      }
    }
    return this.#execute(this.#names.get(sql)!.name, parameters);
  }

  /** Whether the last plan of this statement was one for all values. */
  async wasGeneric(sql: string): Promise<boolean> {
    const known = this.#names.get(sql)!;
    const { rows } = await this.#client.query<{ plans: number }>(
      'select generic_plans::int as plans from pg_catalog.pg_prepared_statements where name = $1',
      [known.name],
    );
    const before = known.genericPlans;
    known.genericPlans = rows[0]!.plans;
    return known.genericPlans > before;
  }

  async close(): Promise<void> {
    for (const { name } of this.#names.values()) await this.#client.query(`deallocate ${quoteIdentifier(name)}`);
    this.#names.clear();
  }

  /** EXPLAIN takes no parameters here: the values are written as pg would send them, and read as those of unknown type are. */
  async #execute(name: string, values: readonly unknown[]): Promise<string> {
    if (values.length === 0) return `execute ${quoteIdentifier(name)}`;
    const texts = values.map((_, place) => `quote_nullable($${place + 1}::text)`);
    const { rows } = await this.#client.query<string[]>({
      text: `select ${texts.join(', ')}`,
      // Bytes would be sent as they are.
      values: values.map((value) => (value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value)),
      rowMode: 'array',
    });
    return `execute ${quoteIdentifier(name)}(${rows[0]!.join(', ')})`;
  }
}
