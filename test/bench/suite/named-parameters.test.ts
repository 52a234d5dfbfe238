import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { numberParameters } from '../../../src/bench/suite/named-parameters.ts';

/** Pieces of SQL in which a colon is no parameter. */
const NONE = [
  `':a'`,
  `E'it\\':a'`,
  `'it''s :a'`,
  `":a"`,
  '$$ :a $$',
  '$x$ :a $x$',
  '/* :a /* :b */ :c */',
  '-- :a\n',
  'x::text',
  'days[1:n]',
  'f(n := 1)',
];

describe('numberParameters', () => {
  it('numbers each name once, in the order of the text', () => {
    expect(numberParameters('select :b, :a where x=:b and (:c)::text = -:c')).toEqual({
      sql: 'select $1, $2 where x=$1 and ($3)::text = -$3',
      names: ['b', 'a', 'c'],
    });
  });

  it('leaves everything else alone, whatever stands around it', () => {
    const piece = fc.oneof(
      fc.constantFrom(...NONE).map((text) => ({ text, name: undefined })),
      fc.constantFrom('p', 'q').map((name) => ({ text: `:${name}`, name })),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { sql, names } = numberParameters(pieces.map(({ text }) => text).join(' '));
        const expected = [...new Set(pieces.flatMap(({ name }) => name ?? []))];
        expect(names).toEqual(expected);
        expect(sql).toBe(
          pieces.map(({ text, name }) => (name === undefined ? text : `$${expected.indexOf(name) + 1}`)).join(' '),
        );
      }),
    );
  });
});
