import { CompiledQuery, type DatabaseConnection, PostgresDriver } from 'kysely';
import type pg from 'pg';

/**
 * The session that a Kysely of migrations stands on, and what its transactions begin with. A statement of its own for the
 * limits of each migration would be a round trip more.
 */
export class SessionTraffic {
  #client: pg.Client | undefined;
  #opening = '';

  /** Set by kyselyOver. */
  get client(): pg.Client {
    if (this.#client === undefined) throw new Error('No Kysely was made over a session yet.');
    return this.#client;
  }

  set client(client: pg.Client) {
    this.#client = client;
  }

  /** Whether a transaction is open, also one that failed. */
  get inTransaction(): boolean {
    return this.client.getTransactionStatus() !== 'I';
  }

  /** `statement` goes along with the BEGIN of the transaction that `work` opens. */
  async opening<T>(statement: string, work: () => Promise<T>): Promise<T> {
    this.#opening = statement;
    try {
      return await work();
    } finally {
      this.#opening = '';
    }
  }

  get begin(): string {
    return `begin; ${this.#opening}`;
  }
}

/** kysely's driver whose transactions have an opening. Their isolation is the session's. */
export class OpeningDriver extends PostgresDriver {
  readonly #traffic: SessionTraffic;

  constructor(config: ConstructorParameters<typeof PostgresDriver>[0], traffic: SessionTraffic) {
    super(config);
    this.#traffic = traffic;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#traffic.begin));
  }
}
