/**
 * Which statements are told by name. Those that take the most time come and go at the lower end, and each one that comes is a
 * new series for good in Prometheus; so one that is in stays for an hour after it was last among them, unless the room, which
 * is twice the number of the told, is needed: then those go first that were among them the longest time ago.
 */
export class KeptStatements {
  readonly #room: number;
  readonly #keepMs: number;
  /** When each was last among those that take the most, in milliseconds; the longest ago first. */
  readonly #lastSeen = new Map<string, number>();

  constructor(told: number, keepMs = 3_600_000) {
    this.#room = 2 * told;
    this.#keepMs = keepMs;
  }

  get keys(): readonly string[] {
    return [...this.#lastSeen.keys()];
  }

  /**
   * @param top those that take the most now, at most the number of the told
   * @param present whether the server still knows one
   */
  update(top: readonly string[], present: (key: string) => boolean, nowMs: number): void {
    for (const key of top) {
      this.#lastSeen.delete(key);
      this.#lastSeen.set(key, nowMs);
    }
    for (const [key, seen] of this.#lastSeen)
      if (!present(key) || nowMs - seen >= this.#keepMs) this.#lastSeen.delete(key);
    for (const key of this.#lastSeen.keys()) {
      if (this.#lastSeen.size <= this.#room) break;
      this.#lastSeen.delete(key);
    }
  }
}
