import { CompiledQuery, type DatabaseConnection, PostgresDriver } from 'kysely';

/** What the transactions of one session begin with, besides BEGIN. */
export class TransactionOpening {
  #statement = '';

  /** `statement` begins the transaction that `work` opens. */
  async of<T>(statement: string, work: () => Promise<T>): Promise<T> {
    this.#statement = statement;
    try {
      return await work();
    } finally {
      this.#statement = '';
    }
  }

  /** One message to the server: as one of its own, the statement would be a round trip more for each migration. */
  get sql(): string {
    return `begin; ${this.#statement}`;
  }
}

/** kysely's driver whose transactions have an opening. Their isolation is the session's. */
export class OpeningDriver extends PostgresDriver {
  readonly #opening: TransactionOpening;

  constructor(config: ConstructorParameters<typeof PostgresDriver>[0], opening: TransactionOpening) {
    super(config);
    this.#opening = opening;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#opening.sql));
  }
}
