import { Readable } from 'node:stream';
import { countStreamed } from '../core/streamed.ts';

/** What a store gives of an object from a position on. */
export interface Opened {
  readonly body: Readable;
  /** How many bytes it promised from there. */
  readonly sizeBytes: number;
}

export interface ResumingOptions {
  readonly first: Opened;
  /** Opens the object again, `offset` bytes behind where it began; retried below. */
  readonly reopen: (offset: number) => Promise<Opened>;
  /** Whether going on after this error is worth it; `inVain` counts attempts that brought no byte. */
  readonly mayResume: (error: unknown, inVain: number) => Promise<boolean>;
  readonly translate: (error: unknown) => unknown;
}

/**
 * The body of an object that survives a broken connection: it goes on by range where it broke off, and a body that
 * ends early counts as broken.
 */
export class ResumingBody extends Readable {
  readonly #options: ResumingOptions;
  readonly #expected: number;
  #body: Readable;
  #iterator: AsyncIterator<Buffer>;
  #done = 0;
  #inVain = 0;

  constructor(options: ResumingOptions) {
    super({ highWaterMark: 256 * 1024 });
    this.#options = options;
    this.#expected = options.first.sizeBytes;
    this.#body = options.first.body;
    this.#iterator = iteratorOf(this.#body);
  }

  override _read(): void {
    this.#next().then(
      (chunk) => void this.push(chunk),
      (error: unknown) => void this.destroy(this.#options.translate(error) as Error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#body.destroy();
    callback(error);
  }

  /** The next bytes; null at the end. */
  async #next(): Promise<Buffer | null> {
    for (;;) {
      try {
        const { value, done } = await this.#iterator.next();
        if (!done) {
          this.#done += value.length;
          countStreamed(value.length);
          this.#inVain = 0;
          return value;
        }
        if (this.#done >= this.#expected) return null;
        throw Object.assign(new Error('the body ended early'), { code: 'ECONNRESET' });
      } catch (error) {
        if (this.destroyed) throw error;
        this.#inVain += 1;
        if (!(await this.#options.mayResume(error, this.#inVain))) throw error;
        this.#body.destroy();
        const { body } = await this.#options.reopen(this.#done);
        this.#body = body;
        this.#iterator = iteratorOf(body);
      }
    }
  }
}

function iteratorOf(body: Readable): AsyncIterator<Buffer> {
  return body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
}
