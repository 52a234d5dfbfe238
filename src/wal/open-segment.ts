import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { compress, FRAME_BYTES } from '../repository/wal-frames.ts';

/** What is there of a segment that is still being received. */
export interface SegmentBeginning {
  readonly sizeBytes: number;
  /** Of those bytes. */
  readonly sha256: string;
  /** Those bytes, compressed. */
  readonly packed: Buffer;
}

/** Where a segment's first page header says how large a page is (PostgreSQL source, XLogLongPageHeaderData). */
const PAGE_SIZE_AT = 36;
const HEADER_BYTES = 40;
const SHORT_HEADER_BYTES = 24;
const XLP_FIRST_IS_CONTRECORD = 0x0001;
const XLP_LONG_HEADER = 0x0002;
/** The least that a record has. */
const RECORD_HEADER_BYTES = 24;
const READ_BYTES = 512 * 1024;
/** Records begin at multiples of this (MAXALIGN). */
const ALIGN_BYTES = 8;

/**
 * The file of a segment that pg_receivewal writes: `<name>.partial`, made of zeros and then filled from its beginning on,
 * in order. What was read and compressed once is kept.
 */
export class OpenSegment {
  readonly name: string;
  readonly #file: string;
  readonly #content: Buffer;
  readonly #frames: Buffer[] = [];
  readonly #hash: Hash = createHash('sha256');
  /** Bytes that are certainly there. */
  #end = 0;

  constructor(name: string, file: string, segmentSizeBytes: number) {
    this.name = name;
    this.#file = file;
    this.#content = Buffer.alloc(segmentSizeBytes);
  }

  get header(): Buffer {
    return this.#content.subarray(0, HEADER_BYTES);
  }

  get end(): number {
    return this.#end;
  }

  /** Reads what came since. True when something did. */
  async advance(): Promise<boolean> {
    const handle = await open(this.#file, 'r');
    try {
      const end = await endOfData(handle, this.#end, this.#content.length);
      if (end <= this.#end) return false;
      // Read anew, behind the search for the end: a search that met a write halfway may have seen its last page and not
      // its first, but whatever is before a byte that was there had been written before it.
      await readFully(handle, this.#content, this.#end, end - this.#end);
      this.#hash.update(this.#content.subarray(this.#end, end));
      this.#end = end;
      return true;
    } finally {
      await handle.close();
    }
  }

  async beginning(): Promise<SegmentBeginning> {
    const whole = Math.floor(this.#end / FRAME_BYTES);
    while (this.#frames.length < whole) {
      const start = this.#frames.length * FRAME_BYTES;
      this.#frames.push(await compress(this.#content.subarray(start, start + FRAME_BYTES)));
    }
    const rest = this.#content.subarray(whole * FRAME_BYTES, this.#end);
    const packed = Buffer.concat([...this.#frames, ...(rest.length > 0 ? [await compress(rest)] : [])]);
    return { sizeBytes: this.#end, sha256: this.#hash.copy().digest('hex'), packed };
  }
}

/**
 * Where the bytes that were written end, found from `from` on: behind the last byte that is not zero, in pages that have
 * begun. A page of WAL begins with a number that is not zero. What is cut off is zero, and zeros fill it up again.
 */
async function endOfData(handle: FileHandle, from: number, size: number): Promise<number> {
  const header = Buffer.alloc(HEADER_BYTES);
  await handle.read(header, 0, HEADER_BYTES, 0);
  const pageBytes = header.readUInt32LE(PAGE_SIZE_AT);
  if (header.readUInt16LE(0) === 0 || pageBytes < 1024 || size % pageBytes !== 0) return from;
  const chunk = Buffer.alloc(Math.max(READ_BYTES, pageBytes));
  let end = from;
  for (let offset = from - (from % pageBytes); offset < size; offset += chunk.length) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, size - offset), offset);
    for (let page = 0; page + pageBytes <= bytesRead; page += pageBytes) {
      if (chunk.readUInt16LE(page) === 0) return end;
      end = Math.max(end, offset + page + lengthOfPage(chunk.subarray(page, page + pageBytes)));
    }
    if (bytesRead < chunk.length) break;
  }
  return end;
}

/**
 * How much of a page was written: up to its last byte that is not zero, or to the end of the record that lies there. The
 * server sends whole pages, and of the last one whole records; the end of a record may be zeros.
 */
function lengthOfPage(page: Buffer): number {
  let length = page.length;
  while (length > 0 && page[length - 1] === 0) length -= 1;
  return Math.max(aligned(length), endOfRecords(page));
}

/** Where the last record that ends in this page does (PostgreSQL source, XLogPageHeaderData and XLogRecord). */
function endOfRecords(page: Buffer): number {
  const info = page.readUInt16LE(2);
  const header = (info & XLP_LONG_HEADER) !== 0 ? HEADER_BYTES : SHORT_HEADER_BYTES;
  const continued = (info & XLP_FIRST_IS_CONTRECORD) !== 0 ? aligned(page.readUInt32LE(16)) : 0;
  let end = header + continued;
  if (end > page.length) return 0;
  while (end + 4 <= page.length) {
    const total = page.readUInt32LE(end);
    if (total < RECORD_HEADER_BYTES || end + total > page.length) break;
    end += aligned(total);
  }
  return Math.min(end, page.length);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
}

async function readFully(handle: FileHandle, into: Buffer, start: number, length: number): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(into, start + done, length - done, start + done);
    if (bytesRead === 0) throw new Error('the file of the open segment was cut');
    done += bytesRead;
  }
}
