import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDecimal, parseFraction, timesPowerOfTen, withoutBinaryNoise } from '../../src/catalog/reading/decimal.ts';

describe('decimals', () => {
  it.each([
    ['90.0', '90'],
    ['0.0100', '0.01'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['007', '7'],
    ['-0', '0'],
    ['-12.50', '-12.5'],
    ['+3', '3'],
    ['7.0400000000000004E-2', '0.070400000000000004'],
    ['1.84e6', '1840000'],
    ['12E3', '12000'],
    ['0', '0'],
  ])('%s is %s', (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  it.each(['', '.', '-', 'abc', '1,000', '1 2', '0x10', 'NaN', 'Infinity', '1e', '--1', '1.2.3', ' 1', '１'])(
    '"%s" is none',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  it('keeps every digit of any decimal, however it is padded', () => {
    const digits = fc.array(fc.nat(9), { minLength: 1, maxLength: 30 }).map((list) => list.join(''));
    fc.assert(
      fc.property(digits, digits, fc.nat(3), fc.nat(3), (whole, fraction, zerosBefore, zerosAfter) => {
        const parsed = parseDecimal(`${'0'.repeat(zerosBefore)}${whole}.${fraction}${'0'.repeat(zerosAfter)}`)!;
        const scaled = (text: string) => {
          const [before = '', after = ''] = text.split('.');
          return BigInt(before + after.padEnd(40, '0'));
        };
        expect(scaled(parsed)).toBe(scaled(`${whole}.${fraction}`));
        expect(parsed).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
        expect(parseDecimal(parsed)).toBe(parsed);
      }),
    );
  });

  it('reads what a double prints as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e20, max: 1e20 }), (value) => {
        expect(Number(parseDecimal(String(value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe('powers of ten', () => {
  it.each([
    ['416', 6, '416000000'],
    ['0.416', 6, '416000'],
    ['0.0004', 3, '0.4'],
    ['12.5', -1, '1.25'],
    ['500', -3, '0.5'],
    ['-2.5', 3, '-2500'],
    ['0', 9, '0'],
  ])('%s times 10^%i is %s', (text, power, value) => {
    expect(timesPowerOfTen(text, power)).toBe(value);
  });

  it('are exact, and undone by their reverse', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(12), fc.nat(12), (digits, scale, power) => {
        const decimal = parseDecimal(`${digits}e-${scale}`)!;
        const scaled = timesPowerOfTen(decimal, power);
        expect(scaled).toBe(parseDecimal(`${digits}e${power - scale}`));
        expect(timesPowerOfTen(scaled, -power)).toBe(decimal);
      }),
    );
  });
});

describe('fractions', () => {
  it.each([
    ['44  3/4', '44.75'],
    ['1 13/16', '1.8125'],
    ['5/8', '0.625'],
    ['1-5/8', '1.625'],
    ['3/10', '0.3'],
    ['0/4', '0'],
  ])('%s is %s', (text, value) => {
    expect(parseFraction(text)).toBe(value);
  });

  it.each(['1/3', '91/97', '1/0', '3', '1/2/3', '-1/2', 'a/b'])('"%s" has no exact decimal', (text) => {
    expect(parseFraction(text)).toBeUndefined();
  });

  it('is exact for every binary fraction', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 0, max: 10 }), fc.nat(1023), (whole, power, part) => {
        const denominator = 2 ** power;
        const numerator = part % denominator;
        expect(Number(parseFraction(`${whole} ${numerator}/${denominator}`))).toBe(whole + numerator / denominator);
      }),
    );
  });
});

describe('the noise of binary doubles', () => {
  it.each([
    ['16.100000000000001', '16.1'],
    ['0.070400000000000004', '0.0704'],
    ['9.0399999999999991', '9.04'],
    ['1.5449999999999999', '1.545'],
    ['9.9999999999999999', '10'],
    ['123456789012345', '123456789012345'],
    ['1840000', '1840000'],
  ])('%s is %s', (text, value) => {
    expect(withoutBinaryNoise(text)).toBe(value);
  });

  it('leaves every number of at most 15 digits as it was, when written by a double with 17', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 5 }), (digits, scale) => {
        const value = digits / 10 ** scale;
        expect(Number(withoutBinaryNoise(parseDecimal(value.toPrecision(17))!))).toBe(value);
      }),
    );
  });
});
