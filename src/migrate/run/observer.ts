import type pg from 'pg';

/**
 * A second connection beside a session, for what that session cannot ask while it waits. Opened when it is first wanted,
 * anew when it was lost, and kept: the second attempt at a lock may be over before a connection is made.
 */
export class Observer {
  readonly #connect: () => Promise<pg.Client>;
  #connecting: Promise<pg.Client> | undefined;

  constructor(connect: () => Promise<pg.Client>) {
    this.#connect = connect;
  }

  client(): Promise<pg.Client> {
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  /** Waits for nothing: a pooler whose sessions are all taken may let a connection wait for minutes. */
  end(): void {
    void this.#connecting?.then((client) => client.end()).catch(() => {});
  }

  async #open(): Promise<pg.Client> {
    const forget = () => {
      this.#connecting = undefined;
    };
    try {
      const client = await this.#connect();
      client.once('end', forget);
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
