import { StructdbError } from '../../core/errors.ts';
import { countParsed } from '../../core/streamed.ts';
import type { Recognised } from '../readers/content.ts';
import { byteOrderMark, notSo } from './decode.ts';
import { cutRecords, delimiterOf, type RawRecord, RECORD_CHARACTERS, rowTooLong } from './delimited.ts';
import { type Encoding, type StreamingDecoder, streamingDecoder } from './encodings.ts';

/** A large file as a table: its header and its records, which come in batches and can be taken once. */
export interface StreamedTable {
  readonly file: string;
  readonly header: readonly string[];
  readonly recognised: Recognised;
  readonly batches: AsyncGenerator<readonly RawRecord[]>;
}

/** The bytes of a file as a table whose records are cut as they come. @throws CATALOG_UNREADABLE */
export async function streamTable(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  declared?: Encoding,
): Promise<StreamedTable> {
  const found: { encoding: Encoding; delimiter: string } = { encoding: 'utf-8', delimiter: ',' };
  const pieces = recordBatches(textOf(chunks, file, found, declared), file, found);
  const { value } = await pieces.next();
  const [header, ...records]: RawRecord[] = value ?? [];
  if (header === undefined) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is empty.`, { hint: 'Fetch the file again.' });
  }
  const batches = async function* (): StreamedTable['batches'] {
    try {
      yield records;
      yield* pieces;
    } finally {
      await pieces.return(undefined);
    }
  };
  return { file, header: header.cells().map((cell: string) => cell.trim()), recognised: found, batches: batches() };
}

/** Each batch has at least one record. */
async function* recordBatches(
  texts: AsyncIterable<string>,
  file: string,
  found: { delimiter: string },
): AsyncGenerator<RawRecord[]> {
  let rest = '';
  let line = 1;
  let delimiter: string | undefined;
  const take = (text: string) => {
    delimiter ??= found.delimiter = delimiterOf(text);
    const { records, lines } = cutRecords(text, delimiter, file, line);
    line += lines;
    return records;
  };
  for await (const text of texts) {
    const joined = rest + text;
    const end = endOfRecords(joined);
    rest = joined.slice(end);
    if (end > 0) {
      const records = take(joined.slice(0, end));
      if (records.length > 0) yield records;
      countParsed(end);
    }
    if (rest.length > RECORD_CHARACTERS) throw tooLong(rest, take, file, line);
  }
  const records = take(rest);
  if (records.length > 0) yield records;
}

/**
 * Behind the last line end outside of quotes. Quotes come in pairs in every record that is well formed, those inside of a
 * quoted cell are doubled: with an even number before it a line end is the end of a record. A CR at the very end may be
 * half of a CRLF.
 */
function endOfRecords(text: string): number {
  let end = 0;
  let from = 0;
  while (true) {
    const opened = text.indexOf('"', from);
    const last = lastLineEnd(text, from, opened < 0 ? text.length : opened);
    if (last > 0) end = last;
    if (opened < 0) return end;
    const closed = text.indexOf('"', opened + 1);
    if (closed < 0) return end;
    from = closed + 1;
  }
}

function lastLineEnd(text: string, from: number, to: number): number {
  for (let at = to - 1; at >= from; at -= 1) {
    const code = text.charCodeAt(at);
    if (code === LF || (code === CR && at + 1 < text.length)) return at + 1;
  }
  return -1;
}

const LF = 10;
const CR = 13;

/** Reading the piece tells a wrong quote; without one the record is just too long. */
function tooLong(rest: string, take: (text: string) => unknown, file: string, line: number): unknown {
  try {
    take(rest);
  } catch (error) {
    return error;
  }
  return rowTooLong(file, line);
}

/** A large file cannot be looked through for its encoding before its first row is filed: it is UTF-8, marked, or declared. */
async function* textOf(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  found: { encoding: Encoding },
  declared: Encoding | undefined,
): AsyncGenerator<string> {
  let decoder: StreamingDecoder | undefined;
  for await (const chunk of chunks) {
    if (decoder === undefined) {
      const marked = byteOrderMark(chunk);
      if (declared !== undefined && marked !== undefined && marked !== declared) {
        throw notSo(file, declared, `its byte order mark says ${marked}`);
      }
      found.encoding = declared ?? marked ?? 'utf-8';
      decoder = streamingDecoder(found.encoding);
    }
    yield decoded(decoder, chunk, file, found.encoding);
  }
  if (decoder) yield decoded(decoder, undefined, file, found.encoding);
}

function decoded(decoder: StreamingDecoder, chunk: Uint8Array | undefined, file: string, encoding: Encoding): string {
  let text: string;
  try {
    text = decoder(chunk);
  } catch (cause) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is not valid ${encoding}.`, {
      cause,
      hint: `A file of more than 16 MiB must be UTF-8, or say what it is with --encoding.`,
    });
  }
  if (!text.includes('\0')) return text;
  throw new StructdbError('CATALOG_UNREADABLE', `${file} is a binary file, not a table of text.`, {
    hint: 'Save the sheet as "CSV UTF-8", then import that file.',
  });
}
