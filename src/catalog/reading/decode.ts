import { StructdbError } from '../../core/errors.ts';

/**
 * The text of a file: UTF-8 (with or without a byte order mark), UTF-16 with one, or Windows-1252 where that is certain.
 * Other code pages write the en dash, which means "no value" in AISC's table, as a byte that is a letter elsewhere: they
 * are refused rather than guessed.
 * @throws CATALOG_UNREADABLE
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.includes(0)) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is a binary file, not a table of text.`, {
      hint: 'Save the sheet as "CSV UTF-8", then import that file.',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return decodeWindows1252(bytes, file);
  }
}

/** Quotes, dashes, bullet and the no-break space: what Windows-1252 adds to ASCII in tables of numbers. */
const WINDOWS_PUNCTUATION = new Set([0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0xa0]);

function decodeWindows1252(bytes: Uint8Array, file: string): string {
  let line = 1;
  for (const byte of bytes) {
    if (byte === 0x0a) line += 1;
    if (byte < 0x80 || WINDOWS_PUNCTUATION.has(byte)) continue;
    const hex = byte.toString(16).toUpperCase();
    throw new StructdbError(
      'CATALOG_UNREADABLE',
      `${file}, line ${line}: the byte ${hex} is neither UTF-8 nor Windows-1252 punctuation, so the encoding is not certain.`,
      { hint: `Convert it first, for example: iconv -f MACINTOSH -t UTF-8 ${file} > converted.csv` },
    );
  }
  return new TextDecoder('windows-1252').decode(bytes);
}
