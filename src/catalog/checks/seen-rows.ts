import { releaseBuffer } from '../../core/streamed.ts';
import { ByScope } from '../by-scope.ts';
import type { CatalogRow } from '../rows.ts';

/** The rows of a file so far, by what identifies them. */
export interface SeenRows {
  /** The line on which the row stood before, or undefined: it is remembered then. */
  lineOf(row: CatalogRow): number | undefined;
}

/** By their names: the fastest for files that are in memory anyway. */
export class SeenNames implements SeenRows {
  readonly #lines = new ByScope(() => new Map<string, number>());

  lineOf(row: CatalogRow): number | undefined {
    const lines = this.#lines.of(row);
    const name = nameOf(row);
    const line = lines.get(name);
    if (line === undefined) lines.set(name, row.line);
    return line;
  }
}

/** 32-bit numbers per row: three of the hash, and the line. */
const FIELDS = 4;
const FIRST_SLOTS = 1 << 12;

/**
 * By a hash of 96 bits, in 16 bytes per row and no object: a million rows take 32 MiB, where a Map of their names takes ten
 * times that and keeps alive the text that they were cut from. That two different rows of a million have the same hash
 * happens once in 10^17 files.
 */
export class SeenHashes implements SeenRows {
  #table = new Uint32Array(FIRST_SLOTS * FIELDS);
  #count = 0;

  lineOf(row: CatalogRow): number | undefined {
    if (this.#count * 4 > (this.#table.length / FIELDS) * 3) this.#grow();
    const hash = hashOf(row);
    const at = slotOf(this.#table, hash);
    const line = this.#table[at + 3]!;
    if (line !== 0) return line;
    this.#table.set(hash, at);
    this.#table[at + 3] = row.line;
    this.#count += 1;
    return undefined;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let from = 0; from < old.length; from += FIELDS) {
      if (old[from + 3] === 0) continue;
      const entry = old.subarray(from, from + FIELDS);
      this.#table.set(entry, slotOf(this.#table, entry));
    }
    releaseBuffer(new Uint8Array(old.buffer));
  }
}

/** Where the entry of that hash is, or the free place for it. Lines count from 1: 0 is free. */
function slotOf(table: Uint32Array, hash: Uint32Array): number {
  const mask = table.length / FIELDS - 1;
  for (let slot = hash[0]! & mask; ; slot = (slot + 1) & mask) {
    const at = slot * FIELDS;
    if (table[at + 3] === 0) return at;
    if (table[at] === hash[0] && table[at + 1] === hash[1] && table[at + 2] === hash[2]) return at;
  }
}

const hash = new Uint32Array(3);

function hashOf(row: CatalogRow): Uint32Array {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  let c = 0x9e3779b9;
  const mix = (text: string) => {
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
      c = Math.imul((c << 13) | (c >>> 19), 5) + Math.imul(code + 1, 0xcc9e2d51);
    }
    // The end of a part: "a","bc" is not "ab","c".
    a = Math.imul(a ^ 0x10000, 0x9e3779b1);
    b = Math.imul(b ^ 0x10000, 0x5f356495);
    c = Math.imul((c << 13) | (c >>> 19), 5) + 0x1b873593;
  };
  mix(row.standard);
  mix(row.edition);
  if ('unitSystem' in row) {
    mix(row.unitSystem);
    mix(row.variant);
  }
  mix(nameOf(row));
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

function nameOf(row: CatalogRow): string {
  return 'section' in row ? row.section : row.designation;
}
