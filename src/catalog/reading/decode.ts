import { StructdbError } from '../../core/errors.ts';
import { CODE_PAGES, decodeAs, ENCODINGS, type Encoding } from './encodings.ts';
import { type Judgement, judgeText } from './likeness.ts';

export interface DecodedText {
  readonly text: string;
  readonly encoding: Encoding;
}

/**
 * The text of a file. Certain are UTF-8 (with or without a byte order mark) and UTF-16 with one. Anything else is read in
 * each of the code pages that tables are found in: it is taken when one reading alone can be a table, and refused
 * otherwise. AISC's "no value" is a dash that is a letter in the wrong code page, so a guess would change the table.
 * @param encoding what the user says it is; refused where the bytes show that it is not
 * @throws CATALOG_UNREADABLE
 */
export function decodeText(bytes: Uint8Array, file: string, encoding?: Encoding): DecodedText {
  const marked = byteOrderMark(bytes);
  if (encoding !== undefined) return decodeDeclared(bytes, file, encoding, marked);
  if (marked !== undefined && marked !== 'utf-8') {
    return { text: decodeStrictly(bytes, file, marked), encoding: marked };
  }
  if (bytes.includes(0)) throw binary(bytes, file);
  const text = utf8(bytes);
  return text === undefined ? decodeCodePage(bytes, file) : { text, encoding: 'utf-8' };
}

export function byteOrderMark(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-16, and what a user says is UTF-8: one byte that does not fit is enough to refuse. */
function decodeStrictly(bytes: Uint8Array, file: string, encoding: Encoding): string {
  let text: string | undefined;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw notSo(file, encoding, 'its bytes are none');
  }
  if (text.includes('\0')) throw notSo(file, encoding, 'read so, it holds NUL characters');
  // Read with its bytes swapped, a table is Chinese without a single comma.
  if (encoding !== 'utf-8' && !/[,;\t]/.test(text)) throw notSo(file, encoding, 'read so, it holds no separator');
  return text;
}

function decodeDeclared(bytes: Uint8Array, file: string, encoding: Encoding, marked: Encoding | undefined) {
  if (marked !== undefined && marked !== encoding) throw notSo(file, encoding, `its byte order mark says ${marked}`);
  if (encoding === 'utf-8' || encoding === 'utf-16le' || encoding === 'utf-16be') {
    return { text: decodeStrictly(bytes, file, encoding), encoding };
  }
  if (bytes.includes(0)) throw binary(bytes, file);
  const proved = utf8(bytes);
  // Two bytes of Chinese may happen to be UTF-8; what single-byte code pages make of UTF-8 nobody has written.
  if (proved !== undefined && encoding !== 'gb18030' && /\P{ASCII}/u.test(proved)) {
    throw notSo(file, encoding, 'it is UTF-8');
  }
  const text = decodeAs(encoding, bytes);
  const { likeness, cell } = judgeText(text);
  if (likeness === 'impossible')
    throw notSo(file, encoding, `read so, it holds "${shown(cell!)}", which no table does`);
  return { text, encoding };
}

/** The error of a wrong `--encoding`. */
export function notSo(file: string, encoding: Encoding, reason: string): StructdbError {
  return new StructdbError('CATALOG_UNREADABLE', `${file} is not ${encoding}: ${reason}.`, {
    hint: 'Leave --encoding out to have the encoding recognised, or convert the file to UTF-8.',
  });
}

function decodeCodePage(bytes: Uint8Array, file: string): DecodedText {
  if (endsInsideCharacter(bytes)) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} ends in the middle of a UTF-8 character.`, {
      hint: 'The file is truncated: fetch it again.',
    });
  }
  const readings = CODE_PAGES.map((encoding) => {
    const text = decodeAs(encoding, bytes);
    return { encoding, text, judgement: judgeText(text) };
  });
  const possible = readings.filter(({ judgement }) => judgement.likeness !== 'impossible');
  const [only] = possible;
  if (only?.judgement.likeness === 'table' && possible.every(({ text }) => text === only.text)) {
    return { text: only.text, encoding: only.encoding };
  }
  throw uncertain(bytes, file, readings);
}

/** Whether it is UTF-8 up to its last character, which lacks bytes. */
function endsInsideCharacter(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return /\P{ASCII}/u.test(text);
  } catch {
    return false;
  }
}

/** Names the first cell outside ASCII, and what each code page would make of the cell that decides. */
function uncertain(
  bytes: Uint8Array,
  file: string,
  readings: readonly { readonly encoding: Encoding; readonly judgement: Judgement }[],
): StructdbError {
  const at = bytes.findIndex((byte) => byte >= 0x80);
  const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
  const cell = bytes.subarray(cellEdge(bytes, at, -1) + 1, cellEdge(bytes, at, 1));
  const hex = [...bytes.subarray(at, Math.min(at + 4, cellEdge(bytes, at, 1)))].map(toHex).join(' ');
  return new StructdbError(
    'CATALOG_UNREADABLE',
    `${file}, line ${line}: the text with the bytes ${hex} is not UTF-8, and its encoding is not certain.`,
    {
      details: readings.map(({ encoding, judgement }) => {
        const never = judgement.likeness === 'impossible' ? `; no table holds "${shown(judgement.cell!)}"` : '';
        return `as ${encoding} its cell is "${shown(decodeAs(encoding, cell))}"${never}`;
      }),
      hint: `Say which it is, for example --encoding windows-1252 (known: ${ENCODINGS.join(', ')}), or convert the file to UTF-8.`,
    },
  );
}

const SEPARATORS = new Set([...',;\t"\r\n'].map((character) => character.charCodeAt(0)));

function cellEdge(bytes: Uint8Array, from: number, step: 1 | -1): number {
  let at = from;
  while (at >= 0 && at < bytes.length && !SEPARATORS.has(bytes[at]!)) at += step;
  return at;
}

function toHex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

function shown(cell: string): string {
  return cell.length > 40 ? `${cell.slice(0, 40)}…` : cell;
}

function binary(bytes: Uint8Array, file: string): StructdbError {
  // ASCII in UTF-16 has a NUL in every other byte.
  const start = bytes.subarray(0, 200);
  const zeros = [0, 1].map((parity) => start.filter((byte, at) => at % 2 === parity && byte === 0).length);
  const half = start.length / 2;
  if (half > 4 && Math.max(...zeros) > half * 0.8 && Math.min(...zeros) < half * 0.1) {
    return new StructdbError('CATALOG_UNREADABLE', `${file} looks like UTF-16 without a byte order mark.`, {
      hint: `Say so: --encoding ${zeros[0]! > zeros[1]! ? 'utf-16be' : 'utf-16le'}`,
    });
  }
  return new StructdbError('CATALOG_UNREADABLE', `${file} is a binary file, not a table of text.`, {
    hint: 'Save the sheet as "CSV UTF-8", then import that file.',
  });
}
