import { createHash } from 'node:crypto';

/** A statement whose name was given back: the session should close it. */
export interface NamedStatement {
  readonly name: string;
  /** The one that had to make room, if any. */
  readonly evicted: string | undefined;
}

/** Kept ready by a session at most; each costs the server some kilobytes to tens of kilobytes. */
const MOST_NAMED = 256;
/** Texts that were seen once and are remembered for a second time. */
const MOST_SEEN = 1024;

/**
 * Which statements of one session are prepared, and under which names. A text gets its name when it comes a second time, so
 * that one-off statements cost nothing; the least recently used makes room.
 *
 * A name follows from the text alone. Behind a pooler that hands a server session from client to client, a name that is
 * there already then stands for the same text: never for another client's.
 */
export class StatementNames {
  /** In the order of use, the oldest first. */
  readonly #names = new Map<string, string>();
  /** How often a name of this text was given up. */
  readonly #renewals = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #most: number;

  constructor(most = MOST_NAMED) {
    this.#most = most;
  }

  /** undefined for a text that comes for the first time. */
  use(text: string): NamedStatement | undefined {
    const known = this.#names.get(text);
    if (known !== undefined) {
      this.#names.delete(text);
      this.#names.set(text, known);
      return { name: known, evicted: undefined };
    }
    if (!this.#seen.delete(text)) {
      if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
      this.#seen.add(text);
      return undefined;
    }
    const name = statementName(text, this.#renewals.get(text));
    this.#names.set(text, name);
    return { name, evicted: this.#names.size > this.#most ? this.#evict() : undefined };
  }

  /** The next use gets another name: this one stands for a plan that no longer fits. */
  renew(text: string): void {
    this.#names.delete(text);
    this.#renewals.set(text, (this.#renewals.get(text) ?? 0) + 1);
    this.#seen.add(text);
  }

  #evict(): string | undefined {
    const [oldest] = this.#names;
    if (oldest === undefined) return undefined;
    const [text, name] = oldest;
    this.#names.delete(text);
    return name;
  }
}

/** The name under which a text is prepared, as the server's log and pg_prepared_statements tell it. At most 63 bytes count (NAMEDATALEN). */
export function statementName(text: string, renewal = 0): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 40);
  return renewal === 0 ? `structdb_${hash}` : `structdb_${hash}_${renewal}`;
}
