import {
  type DatabaseIntrospector,
  Kysely,
  type LogEvent,
  PostgresDialect,
  type PostgresDialectConfig,
  type SchemaMetadata,
  sql,
  type TableMetadata,
} from 'kysely';
import type pg from 'pg';
import type { MigrationAdapter } from './lock.ts';
import { FramingDriver } from './run/session-traffic.ts';

/**
 * Kysely over one session. One, because the lock belongs to a session, and a cancel request to its process. The
 * caller closes the client, or `destroy()` does.
 */
export function kyselyOver(
  client: pg.Client,
  adapter: MigrationAdapter,
  log: (event: LogEvent) => void = () => {},
): Kysely<unknown> {
  adapter.traffic.client = client;
  const session = Object.assign(client, { release: () => {} });
  const pool = { connect: async () => session, end: () => client.end(), options: {} };
  return new Kysely<unknown>({ dialect: new MigrationDialect({ pool: pool as never }, adapter), log });
}

class MigrationDialect extends PostgresDialect {
  readonly #adapter: MigrationAdapter;
  readonly #config: PostgresDialectConfig;

  constructor(config: PostgresDialectConfig, adapter: MigrationAdapter) {
    super(config);
    this.#adapter = adapter;
    this.#config = config;
  }

  override createDriver(): FramingDriver {
    return new FramingDriver(this.#config, this.#adapter.traffic);
  }

  override createAdapter(): MigrationAdapter {
    return this.#adapter;
  }

  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new BookkeepingIntrospector(db);
  }
}

/**
 * Answers the one thing that the Migrator asks (is its schema there, are its tables there?) from a look at schema
 * structdb. Kysely's own lists every column of every table of the database, twice per migration
 * (kysely-org/kysely#1313, #1707). What is there stays there, so the answer "all there" is kept.
 */
class BookkeepingIntrospector implements DatabaseIntrospector {
  readonly #db: Kysely<unknown>;
  #tables: readonly TableMetadata[] = [];

  constructor(db: Kysely<unknown>) {
    this.#db = db;
  }

  /** ensureBookkeeping made it before the Migrator is asked. */
  async getSchemas(): Promise<SchemaMetadata[]> {
    return [{ name: 'structdb' }];
  }

  async getTables(): Promise<TableMetadata[]> {
    if (this.#tables.length < 2) {
      const { rows } = await sql<{ name: string }>`select relname as name from pg_catalog.pg_class
        where relnamespace = to_regnamespace('structdb') and relname in ('kysely_migration', 'kysely_migration_lock')`.execute(
        this.#db,
      );
      this.#tables = rows.map(({ name }) => ({
        name,
        schema: 'structdb',
        isView: false,
        isForeign: false,
        columns: [],
      }));
    }
    return [...this.#tables];
  }
}
