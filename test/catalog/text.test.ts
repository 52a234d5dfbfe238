import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText } from '../../src/catalog/reading/decode.ts';
import { cutRecords, splitRecords } from '../../src/catalog/reading/delimited.ts';

const bytes = (text: string, encoding: BufferEncoding = 'latin1') => Buffer.from(text, encoding);

describe('the text of a file', () => {
  it('refuses a binary file', () => {
    expect(() => decodeText(bytes('PK\x03\x04\x00\x00'), 'shapes.xlsx')).toThrow(/shapes\.xlsx is a binary file/);
  });
});

describe('records', () => {
  const records = (text: string) => splitRecords(text, 'x').map((record) => [record.line, ...record.cells()]);

  it.each(['\n', '\r\n', '\r'])('end with %j, the last one also without', (end) => {
    expect(records(['a,b', '1,2'].join(end))).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
    ]);
  });

  it('keep their line numbers across blank ones and quoted line ends', () => {
    expect(records('a,b\n\n,,\n"1\n""x""",2\n3,4\n')).toEqual([
      [1, 'a', 'b'],
      [4, '1\n"x"', '2'],
      [6, '3', '4'],
    ]);
  });

  it('are separated by comma, semicolon or tab', () => {
    expect(records('a;b\n1,5;2')).toEqual([
      [1, 'a', 'b'],
      [2, '1,5', '2'],
    ]);
    expect(records('a\tb')).toEqual([[1, 'a', 'b']]);
    expect(records('\n \n"a;1,;"\t"b"')).toEqual([[3, 'a;1,;', 'b']]);
  });

  it('are the same whether a file quotes its cells or not', () => {
    const cell = fc.stringMatching(/^[a-z0-9 .]{0,4}$/);
    const end = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1 }), end, (rows, lineEnd) => {
        const plain = rows.map((cells) => cells.join(',')).join(lineEnd);
        const quoted = rows.map((cells) => cells.map((text) => `"${text}"`).join(',')).join(lineEnd);
        expect(records(quoted)).toEqual(records(plain));
      }),
    );
  });

  it('with a quote in the middle of a cell are refused by their line', () => {
    for (const text of ['a,b\n\n1,2"\n', 'a,b\n\n"1"x,2\n']) {
      expect(() => splitRecords(text, 'x.csv')).toThrow(/x\.csv, line 3: a quote stands in the middle/);
    }
  });

  it('with a quote that is never closed are refused by the line that opened it', () => {
    expect(() => splitRecords('a,b\n1,"2\n3,4', 'x.csv')).toThrow(/x\.csv, line 2: a quote is opened/);
  });
});

describe('a record without quotes', () => {
  it('is cut where its delimiters are, whatever stands between them', () => {
    const cell = fc.oneof(fc.constantFrom('', '–', '––', '–5', '5–', ' '), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 12 }),
        fc.constantFrom(',', ';', '\t'),
        (cells, delimiter) => {
          const line = ['x', ...cells.map((one) => one.replaceAll(/[,;\t\r\n"]/g, '')), 'x'].join(delimiter);
          const { records } = cutRecords(line, delimiter, 'x.csv', 1);
          expect(records[0]!.cells()).toEqual(line.split(delimiter));
        },
      ),
    );
  });
});
