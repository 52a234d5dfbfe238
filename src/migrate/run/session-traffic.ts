import { CompiledQuery, type DatabaseConnection, PostgresDriver } from 'kysely';
import type pg from 'pg';

/** What goes along with the BEGIN and the COMMIT of a transaction: as messages of their own they would be two round trips more. */
export interface Frame {
  readonly opening: readonly string[];
  /** Behind the COMMIT. */
  readonly ending: readonly string[];
}

const NO_FRAME: Frame = { opening: [], ending: [] };

/** The session that a Kysely of migrations stands on, and the frame of its transactions. */
export class SessionTraffic {
  #client: pg.Client | undefined;
  #frame = NO_FRAME;

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

  /** The transaction that `work` opens has this frame. */
  async framed<T>(frame: Frame, work: () => Promise<T>): Promise<T> {
    this.#frame = frame;
    try {
      return await work();
    } finally {
      this.#frame = NO_FRAME;
    }
  }

  get begin(): string {
    return ['begin', ...this.#frame.opening].join('; ');
  }

  get commit(): string {
    return ['commit', ...this.#frame.ending].join('; ');
  }
}

/** kysely's driver whose transactions have a frame. Their isolation is the session's. */
export class FramingDriver extends PostgresDriver {
  readonly #traffic: SessionTraffic;

  constructor(config: ConstructorParameters<typeof PostgresDriver>[0], traffic: SessionTraffic) {
    super(config);
    this.#traffic = traffic;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#traffic.begin));
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#traffic.commit));
  }
}
