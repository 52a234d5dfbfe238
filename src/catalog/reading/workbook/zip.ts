import { crc32, inflateRawSync } from 'node:zlib';
import { codeOf, StructdbError } from '../../../core/errors.ts';

interface Entry {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly offset: number;
}

/** AISC's sheet of 2,299 shapes has 15 MiB; all parts of a workbook that are read have at most this together. */
const LIMIT = 64 * 1024 * 1024;
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const ENCRYPTED = 1;

/**
 * The parts of a workbook, which is a ZIP archive (PKWARE's APPNOTE 6.3, without ZIP64, which Excel does not write below
 * 4 GiB). Node inflates them and compares their checksums: a digit that a disk has flipped must not become a property.
 */
export class ZipArchive {
  readonly #bytes: Buffer;
  readonly #file: string;
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  #budget: number;

  /**
   * @param limit how many bytes all parts that are read may have together
   * @throws CATALOG_UNREADABLE for an archive whose directory is not whole
   */
  constructor(bytes: Uint8Array, file: string, limit = LIMIT) {
    this.#limit = limit;
    this.#budget = limit;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    try {
      this.#readDirectory();
    } catch (cause) {
      throw cause instanceof RangeError ? this.#damaged('its directory is damaged', cause) : cause;
    }
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The bytes of a part, or undefined where there is none. @throws CATALOG_UNREADABLE */
  read(name: string): Buffer | undefined {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry === undefined) return undefined;
    if (entry.flags & ENCRYPTED) {
      throw this.#refusal('is protected by a password', 'Save it without one, then import it.');
    }
    const part = this.#inflate(this.#packed(name, entry), entry, name);
    this.#budget -= part.length;
    if (crc32(part) !== entry.crc) throw this.#damaged(`the checksum of its part ${name} is wrong`);
    return part;
  }

  #readDirectory(): void {
    const bytes = this.#bytes;
    // The end record is last, but for a comment of at most 64 KiB.
    let end = bytes.length - 22;
    while (end >= 0 && bytes.readUInt32LE(end) !== END && end > bytes.length - 22 - 0x10000) end -= 1;
    if (end < 0 || bytes.readUInt32LE(end) !== END) throw this.#damaged('its end is missing');
    const count = bytes.readUInt16LE(end + 10);
    let at = bytes.readUInt32LE(end + 16);
    for (let index = 0; index < count; index += 1) {
      if (bytes.readUInt32LE(at) !== CENTRAL) throw this.#damaged('its directory is damaged');
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place));
      const name = bytes.toString('utf8', at + 46, at + 46 + nameLength!).replaceAll('\\', '/');
      this.#entries.set(name.toLowerCase(), {
        flags: bytes.readUInt16LE(at + 8),
        method: bytes.readUInt16LE(at + 10),
        crc: bytes.readUInt32LE(at + 16),
        packedBytes: bytes.readUInt32LE(at + 20),
        offset: bytes.readUInt32LE(at + 42),
      });
      at += 46 + nameLength! + extraLength! + commentLength!;
    }
  }

  #packed(name: string, { offset, packedBytes }: Entry): Buffer {
    const bytes = this.#bytes;
    const inside = offset + 30 <= bytes.length && bytes.readUInt32LE(offset) === LOCAL;
    const start = inside ? offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28) : 0;
    if (!inside || start + packedBytes > bytes.length) throw this.#damaged(`its part ${name} is missing`);
    return bytes.subarray(start, start + packedBytes);
  }

  #inflate(packed: Buffer, { method }: Entry, name: string): Buffer {
    if (method === 0) return packed;
    if (method !== 8) throw this.#damaged(`its part ${name} is packed in a way that no spreadsheet uses`);
    try {
      return inflateRawSync(packed, { maxOutputLength: Math.max(this.#budget, 1) });
    } catch (cause) {
      if (codeOf(cause) !== 'ERR_BUFFER_TOO_LARGE') throw this.#damaged(`its part ${name} is damaged`, cause);
      throw this.#refusal(
        `has more than ${this.#limit / 1024 / 1024} MiB when unpacked, too many for a catalog`,
        'Save the sheet alone, or as CSV.',
        cause,
      );
    }
  }

  #damaged(reason: string, cause?: unknown): StructdbError {
    return this.#refusal(`is a workbook or archive that is not whole: ${reason}`, 'Fetch the file again.', cause);
  }

  #refusal(reason: string, hint: string, cause?: unknown): StructdbError {
    return new StructdbError('CATALOG_UNREADABLE', `${this.#file} ${reason}.`, { hint, cause });
  }
}
