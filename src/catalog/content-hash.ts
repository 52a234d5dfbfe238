import { hash } from 'node:crypto';
import type { TargetTable } from './load/tables.ts';
import { Properties, PropertyNames, propertyValue } from './properties.ts';
import { eachProperty } from './property-json.ts';
import { parseDecimal } from './reading/decimal.ts';

/** A table of rows, by its name and the columns that a row has cells for. */
export type HashedTable = Pick<TargetTable, 'key' | 'values'> & { readonly name: string };

/** Changes whenever the same rows would get another hash. */
const VERSION = 'structdb catalog content 1';

/**
 * The SHA-256 of what catalog rows say, however they are written: the order of rows, of columns and of properties does not
 * matter, nor do zeros at the end of a number, blanks around a word, the encoding and the line ends of a file, or an empty
 * value against none. A file and the rows that it became in the database have the same hash.
 *
 * Each row's canonical text is hashed with SHA-256; the eight words of that are summed over all rows, each modulo 2³², and
 * the sums and the number of rows are hashed again. So rows may come in any order and none is kept. It tells accidents,
 * not an adversary who forges rows (as the hashes of backups, src/database/fingerprint.ts).
 */
export class ContentHash {
  readonly #sums = new Uint32Array(8);
  #rows = 0;
  /** Those of rows that come as JSON. */
  readonly #names = new PropertyNames();

  get rows(): number {
    return this.#rows;
  }

  /**
   * Takes a row in the order of the table's columns: key, then values, of which `properties` are JSON text.
   * @param properties the same as that text, where they are at hand: taking the text apart is half of the work
   */
  add(table: HashedTable, cells: readonly (string | null)[], properties?: Properties): void {
    let text = `${table.name}\0`;
    const keys = table.key.length;
    // PostgreSQL's text has no NUL, so that it parts values without doubt.
    for (let at = 0; at < keys; at += 1) text += `${cells[at]}\0`;
    for (let at = keys; at < cells.length; at += 1) {
      const cell = cells[at]!;
      const { type } = table.values[at - keys]!;
      if (cell === null) text += '\0';
      else if (type === 'jsonb') text += textOf(properties ?? parsed(cell, this.#names));
      else text += `${type === 'numeric' ? (parseDecimal(cell) ?? cell) : cell.trim()}\0`;
    }
    const digest = sha256Of(text);
    for (let word = 0; word < 8; word += 1) this.#sums[word]! += wordOf(digest, word * 4);
    this.#rows += 1;
  }

  /** 64 hex digits, of the rows so far. */
  digest(): string {
    return hash('sha256', `${VERSION}\n${this.#rows}\n${this.#sums.join(' ')}\n`);
  }
}

/** Names and values in the order of the names, without a sort per row. */
function textOf({ names, values }: Properties): string {
  let text = '';
  for (const place of names.sorted) {
    const value = values[place];
    if (value == null) continue;
    const said = typeof value === 'string' ? value : value.text.trim();
    if (said !== '') text += `${names.all[place]}\0${said}\0`;
  }
  return text;
}

function parsed(json: string, names: PropertyNames): Properties {
  const properties = new Properties(names);
  eachProperty(json, (name, value) => properties.add(name, propertyValue(name, value.trim())));
  return properties;
}

const encoder = new TextEncoder();
let bytes = new Uint8Array(8192);

/** As a string of 32 bytes: a Buffer for each of many short texts takes longer to make than the digest. */
function sha256Of(text: string): string {
  if (bytes.length < text.length * 3) bytes = new Uint8Array(text.length * 3);
  return hash('sha256', bytes.subarray(0, encoder.encodeInto(text, bytes).written), 'binary');
}

function wordOf(digest: string, at: number): number {
  const byte = (offset: number) => digest.charCodeAt(at + offset);
  return (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3);
}
