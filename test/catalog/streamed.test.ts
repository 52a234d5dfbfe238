import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SeenHashes, SeenNames } from '../../src/catalog/checks/seen-rows.ts';
import { parseQuoted, splitRecords } from '../../src/catalog/reading/delimited.ts';
import { cutQuoted } from '../../src/catalog/reading/quoted.ts';
import { streamTable } from '../../src/catalog/reading/record-batches.ts';
import { failureOf } from '../support/failure.ts';

/** The bytes in chunks of these sizes, again and again. */
async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function streamed(bytes: Uint8Array, sizes: readonly number[]): Promise<(string | number)[][]> {
  const { header, batches } = await streamTable(chunksOf(bytes, sizes), 'x.csv');
  const records: (string | number)[][] = [[...header]];
  for await (const batch of batches)
    for (const { line, cells } of batch.map((r) => ({ line: r.line, cells: r.cells() })))
      records.push([line, ...cells]);
  return records;
}

const cell = fc.oneof(
  fc.stringMatching(/^[a-z0-9–é .]{0,6}$/),
  fc.stringMatching(/^[a-z",;\n\r–]{0,6}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
);
const table = fc
  .record({
    header: fc.constant('a,b,c'),
    rows: fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }).map((cells) => cells.join(','))),
    end: fc.constantFrom('\n', '\r\n'),
    last: fc.boolean(),
  })
  .map(({ header, rows, end, last }) => [header, ...rows].join(end) + (last ? end : ''));

describe('a file that is read in pieces', () => {
  it('has the records and lines of one that is read whole, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        async (text, sizes) => {
          const [header, ...records] = splitRecords(text, 'x.csv');
          const whole = records.map((record) => [record.line, ...record.cells()]);
          expect(await streamed(Buffer.from(text), sizes)).toEqual([header!.cells(), ...whole]);
        },
      ),
    );
  });

  it('may be UTF-16 or have a byte order mark', async () => {
    const expected = [
      ['a', 'b'],
      [2, '–', '1'],
    ];
    const text = '\ufeffa,b\n–,1\n';
    expect(await streamed(Buffer.from(text), [3])).toEqual(expected);
    expect(await streamed(Buffer.from(text, 'utf16le'), [3])).toEqual(expected);
  });

  it.each([
    ['a byte of another encoding', Buffer.from([97, 44, 98, 10, 0x96, 10]), /is not valid UTF-8/i],
    ['a zero byte', Buffer.from('a,b\n\0'), /is a binary file/],
    ['a quote that is never closed', Buffer.from('a,b\n1,"2\n3,4\n'), /line 2: a quote is opened and never closed/],
    ['a quote in a cell', Buffer.from('a,b\n1,2\n1,2"\n3,4"\n'), /line 3: a quote stands in the middle/],
    ['nothing', Buffer.from(''), /is empty/],
    ['a line of megabytes', Buffer.alloc(3 << 20, 'a'), /line 1: a row of more than 1048576 characters/],
  ])('is refused for %s', async (_, bytes, message) => {
    const error = await failureOf(streamed(bytes, [1 << 19]));
    expect([error.code, error.message]).toEqual(['CATALOG_UNREADABLE', expect.stringMatching(message)]);
    expect(error.hint).toBeTruthy();
  });
});

it.each([
  ['plain', 'a,'],
  ['quoted', '"a",'],
  ['never closed', '"a,'],
])('a single line of 10 MB is refused before it is cut into cells: %s', (_, part) => {
  const before = process.memoryUsage.rss();
  expect(() => splitRecords(part.repeat(10_000_000 / part.length), 'x.csv')).toThrow(
    /line 1: (a row of more than 1048576|a quote)/,
  );
  expect(process.memoryUsage.rss() - before).toBeLessThan(150e6);
});

describe('a text with quotes', () => {
  const plain = ({ records }: { records: ReturnType<typeof splitRecords> }) => records.map((record) => record.cells());

  it('has the records that csv-parse finds', () => {
    fc.assert(
      fc.property(table, (text) => {
        expect(plain(cutQuoted(text, ',', 'x', 1)!)).toEqual(plain(parseQuoted(text, ',', 'x', 1)));
      }),
    );
  });

  it('counts the lines inside of quotes', () => {
    const { records, lines } = cutQuoted('a,"x\r\ny\nz"\r\nb,c\r\n\r\n"d",e', ',', 'x', 5)!;
    expect([lines, records.map(({ line }) => line)]).toEqual([5, [5, 8, 10]]);
  });

  it('is refused where csv-parse refuses it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a",\n\r]{0,12}$/), (text) => {
        const parsed = () => plain(parseQuoted(text, ',', 'x', 1));
        const cut = cutQuoted(text, ',', 'x', 1);
        if (cut === undefined) expect(parsed).toThrow(/quote/);
        else expect(plain(cut)).toEqual(parsed());
      }),
      { numRuns: 300 },
    );
  });
});

describe('rows by their hash', () => {
  const record = { line: 1, cells: () => ['a'] };
  const row = (name: string, line: number, variant = '') => ({
    ...{ line, standard: 'S', edition: 'v1', unitSystem: 'US' as const, designation: name, variant },
    ...{ texts: {}, numbers: {}, properties: undefined as never },
  });

  it('are found as by their name, also when there are many', () => {
    const [hashes, names] = [new SeenHashes(), new SeenNames()];
    for (let line = 1; line <= 10_000; line += 1) {
      const next = row(`W${(line * 7919) % 9_000}`, line, line % 3 === 0 ? 'x' : '');
      const expected = names.meet(next)?.line;
      if (hashes.meet(next, record)?.line !== expected) throw new Error(`line ${line}: not ${expected}`);
    }
  });

  it('are told apart by where one part of the key ends', () => {
    const hashes = new SeenHashes();
    const meet = (name: string, line: number, variant: string) => hashes.meet(row(name, line, variant), record);
    expect([meet('ab', 1, 'c'), meet('b', 2, 'ca'), meet('ab', 3, 'c')]).toEqual([
      undefined,
      undefined,
      { line: 1, sameCells: true },
    ]);
  });
});
