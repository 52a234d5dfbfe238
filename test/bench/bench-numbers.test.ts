import { describe, expect, it } from '@jest/globals';
import { numberList } from '../../src/cli/bench-numbers.ts';

const range = { name: 'scale', least: 10, most: 10_000_000 };

describe('a list of sizes', () => {
  it.each([
    ['10k,100k,1m', [10_000, 100_000, 1_000_000]],
    ['500', [500]],
    ['1M, 10K,10k', [10_000, 1_000_000]],
    ['1.5k,0.25m', [1500, 250_000]],
  ])('reads %s', (text, numbers) => {
    expect(numberList(text, range)).toEqual(numbers);
  });

  it.each([['many'], ['9'], ['11m'], ['10k,'], ['-5'], ['1.5'], ['1e3'], ['10 k'], ['']])(
    'refuses "%s", saying what it takes',
    (text) => {
      expect(() => numberList(text, range)).toThrow(
        /^--scale takes whole numbers from 10 to 10,000,000, separated by commas/,
      );
    },
  );
});
