import { StructdbError } from '../../core/errors.ts';
import { cutRecords, delimiterOf, type RawRecord } from './delimited.ts';

/** A large file as a table: its header and its records, which come in batches and can be taken once. */
export interface StreamedTable {
  readonly file: string;
  readonly header: readonly string[];
  readonly batches: AsyncGenerator<readonly RawRecord[]>;
}

/** What one record may have: beyond it, a quote is open or the file has no lines. */
const RECORD_CHARACTERS = 1024 * 1024;

/** The bytes of a file as a table whose records are cut as they come. @throws CATALOG_UNREADABLE */
export async function streamTable(chunks: AsyncIterable<Uint8Array>, file: string): Promise<StreamedTable> {
  const pieces = recordBatches(textOf(chunks, file), file);
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
  return { file, header: header.cells().map((cell: string) => cell.trim()), batches: batches() };
}

/** Each batch has at least one record. */
async function* recordBatches(texts: AsyncIterable<string>, file: string): AsyncGenerator<RawRecord[]> {
  let rest = '';
  let line = 1;
  let delimiter: string | undefined;
  const take = (text: string) => {
    delimiter ??= delimiterOf(/\S.*/.exec(text)?.[0] ?? '');
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
  return new StructdbError(
    'CATALOG_UNREADABLE',
    `${file}, line ${line}: a row of more than ${RECORD_CHARACTERS} characters is none of a catalog.`,
    { hint: 'The file may have lost its line ends: fetch it again.' },
  );
}

type Decoder = InstanceType<typeof TextDecoder>;

async function* textOf(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string> {
  let decoder: Decoder | undefined;
  let label = 'utf-8';
  for await (const chunk of chunks) {
    if (decoder === undefined) {
      if (chunk[0] === 0xff && chunk[1] === 0xfe) label = 'utf-16le';
      if (chunk[0] === 0xfe && chunk[1] === 0xff) label = 'utf-16be';
      decoder = new TextDecoder(label, { fatal: true });
    }
    if (label === 'utf-8' && chunk.includes(0)) {
      throw new StructdbError('CATALOG_UNREADABLE', `${file} is a binary file, not a table of text.`, {
        hint: 'Save the sheet as "CSV UTF-8", then import that file.',
      });
    }
    yield decoded(decoder, chunk, file);
  }
  yield decoded(decoder ?? new TextDecoder(), undefined, file);
}

/** A large file cannot be looked through for its encoding before its first row is filed. */
function decoded(decoder: Decoder, chunk: Uint8Array | undefined, file: string): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is not valid ${decoder.encoding.toUpperCase()}.`, {
      cause,
      hint: `A file of more than 16 MiB must be UTF-8. Convert it first: iconv -f <its encoding> -t UTF-8 ${file} > converted.csv`,
    });
  }
}
