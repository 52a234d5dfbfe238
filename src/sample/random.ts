const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const high = (word: number) => `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}`;
const low = (word: number) => `${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`;

/**
 * A seeded source of numbers: Chris Doty-Humphrey's sfc32 (public domain), which passes PractRand and needs only 32-bit
 * integers, so that every machine and every Node version draws the same. Math.random and the clock are never asked.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Streams of different (seed, stream, index) never meet: the state starts as these numbers and the step is a bijection. */
  constructor(seed: number, stream: number, index: number) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    this.#c = index | 0;
    this.#d = 1;
    for (let round = 0; round < 15; round += 1) this.uint32();
  }

  /** A whole number from 0 to 2³² − 1. */
  uint32(): number {
    const result = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A number from 0 to below 1. */
  fraction(): number {
    return this.uint32() / 4_294_967_296;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** One of the items, each as likely as the others. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.fraction() * items.length)]!;
  }

  /** A whole number below `count`, small ones far more likely: a few customers have most of the projects. */
  skewed(count: number): number {
    return Math.floor(this.fraction() ** 2 * count);
  }

  /** A version 4 UUID of this stream. */
  uuid(): string {
    const first = this.uint32();
    const second = (this.uint32() & 0xff_ff_0f_ff) | 0x40_00;
    const third = (this.uint32() & 0x3f_ff_ff_ff) | 0x80_00_00_00;
    const last = this.uint32();
    return `${high(first)}${low(first)}-${high(second)}-${low(second)}-${high(third)}-${low(third)}${high(last)}${low(last)}`;
  }
}
