import { describe, expect, it } from '@jest/globals';
import { readAiscCell } from '../../src/catalog/readers/aisc-cell.ts';

describe("a cell of AISC's table", () => {
  it.each([
    ['16.1', '16.1'],
    ['90.00', '90'],
    ['0.0000', '0'],
    ['1840000', '1840000'],
    ['1.84E+6', '1840000'],
    ['16.100000000000001', '16.1'],
    ['7.0400000000000004E-2', '0.0704'],
    ['44  3/4 ', '44.75'],
    ['  5/8 ', '0.625'],
    ['44      ', '44'],
    ['1 13/16', '1.8125'],
    ['1-5/8', '1.625'],
    ['1\u00a05/8', '1.625'],
    ['½', '0.5'],
    ['1½', '1.5'],
    ['1 ⅞', '1.875'],
  ])('"%s" is %s', (text, value) => {
    expect(readAiscCell(text)).toBe(value);
  });

  it.each(['', ' ', '\u00a0', '–', ' – ', '—', '−', '-'])('"%s" is no value', (text) => {
    expect(readAiscCell(text)).toBeNull();
  });

  it.each([
    ['x9', 'not a number'],
    ['9.5O', 'not a number'],
    ['1.2.3', 'not a number'],
    ['--', 'not a number'],
    ['#N/A', 'not a number'],
    ['-5', 'negative'],
    ['−5', 'negative'],
    ['–0.5', 'negative'],
    ['91/97', 'a fraction without an exact decimal'],
    ['⅓', 'a fraction without an exact decimal'],
    ['16,1', 'a comma may be'],
    ['1,840,000', 'a comma may be'],
  ])('"%s" is refused: %s', (text, reason) => {
    expect(readAiscCell(text)).toEqual({ reason: expect.stringContaining(reason) });
  });
});
