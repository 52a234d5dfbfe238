import { StructdbError } from '../../core/errors.ts';

/** One member of a tar archive as pg_basebackup writes it (POSIX ustar). */
export interface TarMember {
  /** Relative, without a leading `./` or trailing slash; never leaves the folder it is unpacked in. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link';
  readonly sizeBytes: number;
  /** Of a symbolic link. */
  readonly linkTarget: string;
}

/** Takes the members of an archive in order; the data of a file comes in pieces of any size between `open` and `close`. */
export interface TarSink {
  open(member: TarMember): Promise<void>;
  data(bytes: Buffer): Promise<void> | void;
  close(): Promise<void>;
  /** All of a piece of the stream was given to the calls before. */
  passed(piece: Uint8Array): void;
}

const BLOCK = 512;

/**
 * Reads an uncompressed tar stream. Written for this one purpose because GNU tar would write global/pg_control and take
 * paths that lead elsewhere, and is slower: with its ordinary blocks `zstd | tar` took 2.9 s for 1.5 GB, this 1.2 s.
 * @throws BACKUP_CORRUPT when it is cut, altered, or holds what pg_basebackup does not write
 */
export async function readTar(name: string, stream: AsyncIterable<Uint8Array>, sink: TarSink): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let left = 0;
  let padding = 0;
  let inFile = false;
  let ended = false;
  for await (const piece of stream) {
    let chunk = rest.length > 0 ? Buffer.concat([rest, piece]) : asBuffer(piece);
    rest = Buffer.alloc(0);
    while (chunk.length > 0 && !ended) {
      if (left > 0) {
        const part = chunk.subarray(0, left);
        const writing = sink.data(part);
        if (writing) await writing;
        left -= part.length;
        chunk = chunk.subarray(part.length);
        if (left > 0) continue;
      }
      if (inFile && left === 0) {
        inFile = false;
        await sink.close();
      }
      if (padding > 0) {
        const skipped = Math.min(padding, chunk.length);
        padding -= skipped;
        chunk = chunk.subarray(skipped);
        continue;
      }
      if (chunk.length < BLOCK) {
        rest = Buffer.from(chunk);
        break;
      }
      const member = parseHeader(name, chunk.subarray(0, BLOCK));
      chunk = chunk.subarray(BLOCK);
      if (member === undefined) {
        ended = true;
        break;
      }
      await sink.open(member);
      left = member.sizeBytes;
      padding = (BLOCK - (member.sizeBytes % BLOCK)) % BLOCK;
      inFile = member.kind === 'file';
      if (inFile && left === 0) {
        inFile = false;
        await sink.close();
      }
    }
    sink.passed(piece);
  }
  // An archive without its end was cut, however well its last file ends.
  if (!ended) throw notATar(name, 'it ends in the middle');
}

function parseHeader(name: string, header: Buffer): TarMember | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  if (!checksumFits(header)) throw notATar(name, 'a header is damaged');
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textAt(header, 345, 155) : '';
  const path = [prefix, textAt(header, 0, 100)]
    .filter(Boolean)
    .join('/')
    .replace(/^(\.\/)+/, '')
    .replace(/\/+$/, '');
  const kind = ({ '0': 'file', '\0': 'file', '5': 'directory', '2': 'link' } as const)[
    String.fromCharCode(header[156]!) as '0' | '\0' | '5' | '2'
  ];
  if (kind === undefined) throw notATar(name, `${path} is of a kind that pg_basebackup does not write`);
  if (path.startsWith('/') || path.split('/').includes('..')) throw notATar(name, `it holds the path "${path}"`);
  return {
    path,
    kind,
    sizeBytes: kind === 'file' ? numberAt(header, 124, 12) : 0,
    linkTarget: textAt(header, 157, 100),
  };
}

/** The sum of the header's bytes, with its own field read as blanks. */
function checksumFits(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index += 1) if (index < 148 || index >= 156) sum += header[index]!;
  return sum === numberAt(header, 148, 8);
}

function textAt(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or base 256 where the first bit is set: sizes from 8 GiB on (PostgreSQL source, src/port/tar.c). */
function numberAt(header: Buffer, start: number, length: number): number {
  const field = header.subarray(start, start + length);
  if ((field[0]! & 0x80) === 0) return Number.parseInt(field.toString('latin1').replace(/[\0 ].*$/s, '') || '0', 8);
  return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notATar(name: string, why: string): StructdbError {
  return new StructdbError('BACKUP_CORRUPT', `${name} is no whole archive of pg_basebackup: ${why}.`, {
    hint: 'Use another backup: structdb backup list',
  });
}
