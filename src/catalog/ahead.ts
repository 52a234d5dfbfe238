import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Takes from a source while nobody asks yet, whenever there is nothing else to do: what comes of it is there when the one
 * who asks is. To be taken once; what the source throws is thrown where it stands.
 */
export class Ahead<T> implements AsyncIterable<T> {
  readonly #source: AsyncIterator<T>;
  readonly #kept: T[] = [];
  readonly #most: number;
  readonly #taking: Promise<{ readonly done: boolean; readonly failure?: { readonly error: unknown } }>;
  #stopped = false;

  /** @param most how many are kept at most until they are asked for */
  constructor(source: AsyncIterable<T>, most: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#most = most;
    this.#taking = this.#take();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    this.stop();
    const { done, failure } = await this.#taking;
    while (this.#kept.length > 0) yield this.#kept.shift()!;
    if (failure) throw failure.error;
    while (!done) {
      const next = await this.#source.next();
      if (next.done) return;
      yield next.value;
    }
  }

  /** From here on, only what is asked for is taken. */
  stop(): void {
    this.#stopped = true;
  }

  async #take() {
    try {
      while (this.#kept.length < this.#most) {
        // Whoever waits for an answer has his turn between two.
        await nextTurn();
        if (this.#stopped) break;
        const next = await this.#source.next();
        if (next.done) return { done: true };
        this.#kept.push(next.value);
      }
      return { done: false };
    } catch (error) {
      return { done: true, failure: { error } };
    }
  }
}
