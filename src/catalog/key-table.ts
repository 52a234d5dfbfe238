import { releaseBuffer } from '../core/streamed.ts';

const HASH = 3;
const FEW = 1 << 10;

/**
 * Keys by a hash of 96 bits, with a few numbers for each, in typed arrays and no object per key: with one number a million
 * keys take 21 MiB, where a Map of their names takes ten times that and keeps alive the text that they were cut from. That
 * two different keys of a million have the same hash happens once in 10^17 times.
 */
export class KeyTable {
  readonly #fields: number;
  #slots: number;
  #table: Uint32Array;
  #count = 0;

  /**
   * @param numbers how many are kept with a key; the first of them is never 0
   * @param expected so many keys find a place without growing, for which old and new table are there at once
   */
  constructor(numbers: number, expected = FEW) {
    this.#fields = HASH + numbers;
    this.#slots = Math.ceil((expected * 4) / 3);
    this.#table = new Uint32Array(this.#slots * this.#fields);
  }

  /** The numbers of the key; when it is not there, it is added with these, and undefined comes back. */
  meet(key: readonly string[], ...numbers: readonly number[]): Uint32Array | undefined {
    if (this.#count * 4 >= this.#slots * 3) this.#grow();
    const hash = hashOf(key);
    const at = this.#slotOf(hash);
    if (this.#table[at + HASH] !== 0) return this.#table.slice(at + HASH, at + this.#fields);
    this.#table.set(hash, at);
    this.#table.set(numbers, at + HASH);
    this.#count += 1;
    return undefined;
  }

  has(key: readonly string[]): boolean {
    return this.#table[this.#slotOf(hashOf(key)) + HASH] !== 0;
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(this.#slots * this.#fields);
    for (let from = 0; from < old.length; from += this.#fields) {
      if (old[from + HASH] === 0) continue;
      const entry = old.subarray(from, from + this.#fields);
      this.#table.set(entry, this.#slotOf(entry));
    }
    releaseBuffer(new Uint8Array(old.buffer));
  }

  /** Where the entry of that hash is, or the free place for it. */
  #slotOf(hash: Uint32Array): number {
    const table = this.#table;
    const fields = this.#fields;
    const slots = this.#slots;
    for (let slot = hash[0]! % slots; ; slot = slot + 1 === slots ? 0 : slot + 1) {
      const at = slot * fields;
      if (table[at + HASH] === 0) return at;
      if (table[at] === hash[0] && table[at + 1] === hash[1] && table[at + 2] === hash[2]) return at;
    }
  }
}

const hash = new Uint32Array(HASH);

/** Of texts in their order; overwritten by the next call. Null is no text. */
export function hashOf(texts: readonly (string | null)[]): Uint32Array {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  let c = 0x9e3779b9;
  for (const text of texts) {
    const length = text === null ? 0 : text.length;
    for (let at = 0; at < length; at += 1) {
      const code = (text as string).charCodeAt(at);
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
      c = Math.imul((c << 13) | (c >>> 19), 5) + Math.imul(code + 1, 0xcc9e2d51);
    }
    // The end of a text: "a","bc" is not "ab","c".
    const end = text === null ? 0x20000 : 0x10000;
    a = Math.imul(a ^ end, 0x9e3779b1);
    b = Math.imul(b ^ end, 0x5f356495);
    c = Math.imul((c << 13) | (c >>> 19), 5) + Math.imul(end, 0x1b873593);
  }
  hash[0] = finished(a ^ (b >>> 16));
  hash[1] = finished(b ^ (c >>> 16));
  hash[2] = finished(c ^ (a >>> 16));
  return hash;
}

/** The last step of MurmurHash3: each bit of the input changes half of those of the result. */
function finished(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
