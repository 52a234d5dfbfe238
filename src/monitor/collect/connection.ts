import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { connect } from '../../postgres/connect.ts';
import type { WorkProfile } from '../../postgres/profiles.ts';
import { requireSupported, type ToldVersion, VERSION_COLUMNS } from '../../postgres/server-version.ts';
import type { Answer, Ask, ServerFacts } from './collector.ts';

/** Values as the server writes them. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** The limits of a scrape that has to end within `scrapeTimeoutMs`: a question may take a fifth of it, a lock far less. */
export function monitorProfile(scrapeTimeoutMs: number): WorkProfile {
  return {
    applicationName: 'structdb monitor',
    statementTimeoutMs: Math.max(100, Math.round(scrapeTimeoutMs / 5)),
    lockTimeoutMs: Math.min(1000, Math.max(100, Math.round(scrapeTimeoutMs / 32))),
    idleInTransactionTimeoutMs: scrapeTimeoutMs,
  };
}

/** Names mean the system's objects, whatever the database's search_path is. */
const SESSION = '-c search_path=pg_catalog,pg_temp';

/** One connection to a monitored database, on which questions are sent without waiting for the answers before. */
export class MonitorConnection {
  readonly #client: pg.Client;
  readonly server: ServerFacts;
  #open = true;

  private constructor(client: pg.Client, server: ServerFacts) {
    this.#client = client;
    this.server = server;
    client.once('end', () => {
      this.#open = false;
    });
    // pg sends what is asked at once from here on, each question with its own end: an error ends that one only.
    (client as unknown as { pipeline: boolean }).pipeline = true;
  }

  /** @param signal ends the attempt @throws as `connect` does; SERVER_TOO_OLD */
  static async open(
    settings: ConnectionSettings,
    scrapeTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<MonitorConnection> {
    const client = await connect(
      {
        ...settings,
        connectTimeoutMs: Math.min(settings.connectTimeoutMs, scrapeTimeoutMs),
        options: [settings.options, SESSION].filter(Boolean).join(' '),
      },
      monitorProfile(scrapeTimeoutMs),
      { signal },
    );
    try {
      // The cost of a query over statistics is estimated far too high: it would be compiled for longer than it runs.
      await client.query('set jit = off');
      const { rows } = await client.query<ToldVersion & { database: string }>(
        `select ${VERSION_COLUMNS}, current_database() as database`,
      );
      const { major, version } = requireSupported(rows[0]!);
      const { version_num, database } = rows[0]!;
      return new MonitorConnection(client, { versionNumber: Number(version_num), major, version, database });
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#open;
  }

  readonly ask: Ask = async (name, text, values = []): Promise<Answer> => {
    const { fields, rows } = await this.#client.query<(string | null)[]>({
      name: `structdb ${name}`,
      text,
      values: [...values],
      rowMode: 'array',
      types: AS_TEXT,
    });
    return { columns: fields.map((field) => field.name), rows };
  };

  /** Ends it as a client does that has nothing running. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#client.end().catch(() => {});
  }

  /** Hangs up in the middle of a question; the server ends the session when it comes to answer. */
  abandon(): void {
    this.#open = false;
    destroy(this.#client);
  }
}

function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
