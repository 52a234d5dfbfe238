import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { decodeText } from '../../src/catalog/reading/decode.ts';
import { CODE_PAGES, decodeAs, type Encoding } from '../../src/catalog/reading/encodings.ts';
import { streamTable } from '../../src/catalog/reading/record-batches.ts';
import type { StructdbError } from '../../src/core/errors.ts';
import { aiscFile } from './support.ts';

/** The names under which iconv-lite, which encodes for these tests, knows them. */
const ICONV: Record<Encoding, string> = {
  'utf-8': 'utf8',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'windows-1252': 'win1252',
  'mac-roman': 'macroman',
  gb18030: 'gb18030',
  cp437: 'cp437',
};

const encode = (text: string, encoding: Encoding) => iconv.encode(text, ICONV[encoding]);
const has = (text: string, encoding: Encoding) => iconv.decode(encode(text, encoding), ICONV[encoding]) === text;
/** Only what the encoding has: `?` in its stead, as programs write it. */
const fitted = (text: string, encoding: Encoding) =>
  [...text].map((character) => (has(character, encoding) ? character : '?')).join('');

function outcome(bytes: Uint8Array, encoding?: Encoding): string | StructdbError {
  try {
    return decodeText(bytes, 'x.csv', encoding).text;
  } catch (error) {
    return error as StructdbError;
  }
}

async function streamed(bytes: Uint8Array, declared?: Encoding): Promise<string> {
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += 3) yield bytes.subarray(at, at + 3);
  };
  const table = await streamTable(chunks(), 'x.csv', declared);
  const lines = [table.header.join()];
  for await (const records of table.batches) lines.push(...records.map((record) => record.cells().join()));
  return `${table.recognised.encoding}: ${lines.join('|')}`;
}

describe('encodings', () => {
  it('the table of cp437 is that of iconv-lite', () => {
    const bytes = Buffer.from([...Array(256).keys()]);
    expect(decodeAs('cp437', bytes)).toBe(iconv.decode(bytes, 'cp437'));
  });

  it.each(CODE_PAGES)("AISC's table in %s is recognised", (encoding) => {
    const text = fitted(aiscFile().replaceAll('–', encoding === 'cp437' ? '-' : '–'), encoding);
    expect(text).toMatch(encoding === 'mac-roman' || encoding === 'windows-1252' ? /–/ : /tan\(α\)/);
    expect(decodeText(encode(text, encoding), 'x.csv')).toEqual({ text, encoding });
  });

  it.each([
    ['utf-8', '\ufeff'],
    ['utf-8', ''],
    ['utf-16le', '\ufeff'],
    ['utf-16be', '\ufeff'],
  ] as const)('%s with the mark "%s" is certain', (encoding, mark) => {
    expect(decodeText(encode(`${mark}a,–`, encoding), 'x.csv')).toEqual({ text: 'a,–', encoding });
  });

  it.each(['utf-16le', 'utf-16be'] as const)('%s without a mark is asked for and then read', (encoding) => {
    const bytes = encode('Type,W\nW,90\n–,1\n', encoding);
    expect(outcome(bytes)).toMatchObject({ code: 'CATALOG_UNREADABLE', hint: `Say so: --encoding ${encoding}` });
    expect(outcome(bytes, encoding)).toBe('Type,W\nW,90\n–,1\n');
    const swapped = encoding === 'utf-16le' ? 'utf-16be' : 'utf-16le';
    expect(outcome(bytes, swapped)).toMatchObject({ message: expect.stringContaining(`is not ${swapped}`) });
  });

  it('a table is never read as another text: it is what was written, or refused', () => {
    const cell = fc.oneof(
      fc.constantFrom('–', '—', '', '-', '−', ' – ', 'W14X90', '44  3/4 ', '26–30', '1 – 2', '½', '1½', '3¼', 'tan(α)'),
      fc.constantFrom('in²', 'mm³', '±0.1', '2×4', '45°', '10\u00a0000', 'AISC’s', '“x”', '• a', 'α', '≤ 50', '5′'),
      // Letters that are dashes and quotes in another code page.
      fc.constantFrom(
        'Señor',
        'razón',
        '1 à 2',
        '1 ó 2',
        'ø10',
        '10ø',
        'Größe',
        'š',
        'Þór',
        'crème brûlée',
        'µ',
        '宽度',
      ),
    );
    const table = fc
      .array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
      .map((rows) => rows.map((cells) => cells.join(',')).join('\n'));
    fc.assert(
      fc.property(table, fc.constantFrom(...CODE_PAGES), (written, encoding) => {
        const text = fitted(written, encoding);
        const read = outcome(encode(text, encoding));
        if (typeof read === 'string') expect(read).toBe(text);
        else expect(read.code).toBe('CATALOG_UNREADABLE');
      }),
      { numRuns: 1500 },
    );
  });

  it('what is not certain is refused with line, bytes and every reading', () => {
    const error = outcome(encode('a,b\n1,Señor\n', 'windows-1252')) as StructdbError;
    expect(error.message).toBe(
      'x.csv, line 2: the text with the bytes F1 6F 72 is not UTF-8, and its encoding is not certain.',
    );
    expect(error.details).toEqual([
      'as windows-1252 its cell is "Señor"',
      'as mac-roman its cell is "SeÒor"',
      'as gb18030 its cell is "Se駉r"',
      'as cp437 its cell is "Se±or"',
    ]);
    expect(error.hint).toContain('--encoding windows-1252');
    expect(outcome(encode('a,b\n1,Señor\n', 'windows-1252'), 'windows-1252')).toBe('a,b\n1,Señor\n');
  });

  it.each([
    ['mac-roman', 'windows-1252', 'read so, it holds "Ð", which no table does'],
    ['windows-1252', 'mac-roman', 'read so, it holds "ñ", which no table does'],
    ['windows-1252', 'utf-8', 'its bytes are none'],
    ['utf-8', 'cp437', 'it is UTF-8'],
    ['windows-1252', 'utf-16le', 'read so, it holds no separator'],
  ] as const)('%s declared as %s is refused', (encoding, declared, reason) => {
    expect(outcome(encode('a,b\n–,1\n', encoding), declared)).toMatchObject({
      code: 'CATALOG_UNREADABLE',
      message: expect.stringContaining(`is not ${declared}: ${reason}`),
    });
  });

  it('a byte order mark is believed more than what is declared', () => {
    expect(outcome(encode('\ufeffa,–', 'utf-16le'), 'windows-1252')).toMatchObject({
      message: expect.stringContaining('its byte order mark says utf-16le'),
    });
  });

  it('a file cut within its last character is truncated, not in another encoding', () => {
    expect(outcome(encode('a,–\n1,–', 'utf-8').subarray(0, -1))).toMatchObject({
      message: expect.stringContaining('ends in the middle of a UTF-8 character'),
    });
  });

  it('of a file that is read piece by piece are UTF-8, marked or declared', async () => {
    for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
      expect(await streamed(encode('\ufeffa,–\n1,α\n', encoding))).toBe(`${encoding}: a,–|1,α`);
    }
    for (const encoding of CODE_PAGES) {
      const text = fitted('a,–,½|1,α,é', encoding);
      expect(await streamed(encode(text.replace('|', '\n'), encoding), encoding)).toBe(`${encoding}: ${text}`);
    }
    await expect(streamed(encode('a,–\n', 'windows-1252'))).rejects.toMatchObject({ code: 'CATALOG_UNREADABLE' });
    await expect(streamed(encode('\ufeffa,–\n', 'utf-16le'), 'cp437')).rejects.toMatchObject({
      message: expect.stringContaining('its byte order mark says utf-16le'),
    });
  });
});
