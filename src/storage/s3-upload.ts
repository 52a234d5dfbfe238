import { createHash } from 'node:crypto';
import { StructdbError } from '../core/errors.ts';
import type { Written } from './store.ts';

/** One upload in parts, as the store sends it; each call is retried below. */
export interface PartSender {
  /** For an object that fits into one part. */
  whole(body: Uint8Array): Promise<void>;
  begin(): Promise<string>;
  part(uploadId: string, number: number, body: Uint8Array): Promise<SentPart>;
  complete(uploadId: string, parts: readonly SentPart[], sizeBytes: number): Promise<void>;
  abort(uploadId: string): Promise<void>;
}

export interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
}

const MIB = 1024 * 1024;
/** What may be on its way at once. */
const IN_FLIGHT_BYTES = 32 * MIB;

/**
 * Size of a part by its number, from 1. S3 takes 10,000 parts and the length of a stream is not known, so parts grow:
 * 8 MiB up to 15 GiB of object, 64 MiB at most (which bounds the memory) up to 360 GiB, then 1 GiB: 2.3 TiB in all.
 */
export function partSizeBytes(number: number): number {
  if (number <= 2000) return 8 * MIB;
  if (number <= 3000) return 32 * MIB;
  return number <= 8000 ? 64 * MIB : 1024 * MIB;
}

export const LAST_PART = 10_000;

/**
 * Streams a body of any length into an object: in one request when it fits, else in parts, some at once, with bounded
 * memory (the part that is being filled and 32 MiB on their way). Whatever fails, the upload is aborted.
 */
export async function uploadStream(
  sender: PartSender,
  body: AsyncIterable<Uint8Array>,
  sizeOf: (number: number) => number = partSizeBytes,
): Promise<Written> {
  const hash = createHash('sha256');
  const upload = new PartedUpload(sender, sizeOf);
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      await upload.add(chunk);
    }
    return { sizeBytes: await upload.finish(), sha256: hash.digest('hex') };
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

class PartedUpload {
  readonly #sender: PartSender;
  readonly #sizeOf: (number: number) => number;
  /** Buffers of parts that were sent: used again, because the collector is slow to give back memory outside the heap. */
  readonly #spare: Buffer[] = [];
  readonly #sending = new Set<Promise<void>>();
  readonly #sent: SentPart[] = [];
  #uploadId: string | undefined;
  #failure: { readonly error: unknown } | undefined;
  #number = 1;
  #part: Buffer | undefined;
  #filled = 0;
  #sizeBytes = 0;

  constructor(sender: PartSender, sizeOf: (number: number) => number) {
    this.#sender = sender;
    this.#sizeOf = sizeOf;
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.byteLength; ) {
      this.#part ??= this.#takeBuffer(this.#sizeOf(this.#number));
      const taken = chunk.subarray(offset, offset + this.#part.length - this.#filled);
      this.#part.set(taken, this.#filled);
      this.#filled += taken.byteLength;
      offset += taken.byteLength;
      if (this.#filled === this.#part.length) await this.#send();
    }
    this.#sizeBytes += chunk.byteLength;
  }

  /** Returns the size of the object. */
  async finish(): Promise<number> {
    const rest = this.#part?.subarray(0, this.#filled) ?? Buffer.alloc(0);
    if (this.#uploadId === undefined) {
      await this.#sender.whole(rest);
      return this.#sizeBytes;
    }
    if (rest.length > 0) await this.#send();
    await Promise.all(this.#sending);
    this.#throwFailure();
    const parts = this.#sent.sort((a, b) => a.PartNumber - b.PartNumber);
    await this.#sender.complete(this.#uploadId, parts, this.#sizeBytes);
    return this.#sizeBytes;
  }

  async abort(): Promise<void> {
    await Promise.all(this.#sending);
    // What cannot be aborted now is swept by the next run; the error that brought us here is the one to tell.
    if (this.#uploadId !== undefined) await this.#sender.abort(this.#uploadId).catch(() => {});
  }

  async #send(): Promise<void> {
    if (this.#number > LAST_PART) {
      throw new StructdbError(
        'STORE_FAILED',
        `The object is larger than ${this.#sizeBytes} bytes: S3 takes no more parts.`,
        {
          hint: 'Use a stronger compression (backup.compression.level), or a directory store.',
        },
      );
    }
    const buffer = this.#part!;
    const body = buffer.subarray(0, this.#filled);
    const number = this.#number;
    this.#part = undefined;
    this.#filled = 0;
    this.#number += 1;
    this.#uploadId ??= await this.#sender.begin();
    const sending = this.#sender
      .part(this.#uploadId, number, body)
      .then(
        (sent) => void this.#sent.push(sent),
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .then(() => {
        this.#spare.push(buffer);
        this.#sending.delete(sending);
      });
    this.#sending.add(sending);
    const atOnce = Math.max(1, Math.min(4, Math.floor(IN_FLIGHT_BYTES / buffer.length)));
    while (this.#sending.size >= atOnce) await Promise.race(this.#sending);
    this.#throwFailure();
  }

  #takeBuffer(size: number): Buffer {
    const spare = this.#spare.pop();
    if (spare?.length === size) return spare;
    this.#spare.length = 0;
    return Buffer.allocUnsafe(size);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
