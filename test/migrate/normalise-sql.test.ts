import { describe, expect, it } from '@jest/globals';
import { normaliseSql } from '../../src/migrate/schema/normalise-sql.ts';

describe('normalised SQL', () => {
  it.each([
    ['white space', 'select  a,\n\tb from t', 'select a , b from t'],
    ['space around signs', 'select a+b,f( c )', 'select a + b, f(c)'],
    ['the case of keywords', 'CREATE TABLE T (Id INT)', 'create table t (id int)'],
    ['line comments', 'select 1 -- one\n, 2', 'select 1, 2'],
    ['block comments, nested', 'select /* a /* b */ c */ 1', 'select 1'],
    ['a comment behind an operator', 'select a +/* more */ b', 'select a + b'],
    ['a sign behind an operator', 'where a=-1', 'where a = -1'],
  ])('does not count %s', (_what, one, other) => {
    expect(normaliseSql(one)).toBe(normaliseSql(other));
  });

  it.each([
    ['the text of strings', `select 'A  b'`, `select 'a b'`],
    ['what looks like a comment in a string', `select 'a -- b'`, `select 'a '`],
    ['a quote in a string', `select 'it''s -- x'`, `select 'it''s -- y'`],
    ['a backslash in an escape string', `select E'it\\'s -- x'`, `select E'it\\'s -- y'`],
    ['a prefix of a string', `select e 'x'`, `select e'x'`],
    ['quoted names', 'select "Id  x"', 'select "id x"'],
    ['bodies', 'do $$ begin  X; end $$', 'do $$ begin x; end $$'],
    ['bodies with a tag, around another quote', 'do $a$ $$ -- X $$ $a$', 'do $a$ $$ -- x $$ $a$'],
    ['operators', 'select a <> b', 'select a < > b'],
    ['words', 'select ab', 'select a b'],
    ['numbers', 'select 1.50', 'select 1.5'],
    ['the values of parameters', 'insert into t values ($1)\n-- ["A"]', 'insert into t values ($1)\n-- ["b"]'],
    ['statements', 'select 1; select 2', 'select 1 select 2'],
  ])('counts %s', (_what, one, other) => {
    expect(normaliseSql(one)).not.toBe(normaliseSql(other));
  });

  it('ends with text that does not end', () => {
    for (const text of [`'open`, '"open', '$$open', '/* open', 'a -- open', `E'open\\`]) {
      expect(typeof normaliseSql(text)).toBe('string');
    }
  });
});
