import { describe, expect, it } from '@jest/globals';
import { areConcurrentBuilds, createdIndex } from '../../src/migrate/run/created-indexes.ts';

describe('the index that a statement creates', () => {
  it('is found with and without quotes, schema, comments', () => {
    const found: [string, unknown][] = [
      ['create index a on t (x)', { name: 'a', table: 't' }],
      [
        'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS Big ON ONLY S.T USING btree (x)',
        { name: 'big', table: 't', schema: 's' },
      ],
      [
        'create index concurrently "Größe ""x""" on "a.b"."T 1" (x)',
        { name: 'Größe "x"', table: 'T 1', schema: 'a.b' },
      ],
      ['-- why: create index no on n\ncreate /* a -- b */ index größe on maß(x)', { name: 'größe', table: 'maß' }],
      ['create index "a--b" on "c/*d" (x)', { name: 'a--b', table: 'c/*d' }],
      [`create index ${'ä'.repeat(40)} on t (x)`, { name: 'ä'.repeat(31), table: 't' }],
    ];
    for (const [statement, index] of found) expect([statement, createdIndex(statement)]).toEqual([statement, index]);
  });

  it('is none of other statements, nor of one that leaves the name to the server', () => {
    for (const statement of [
      'create index on t (x)',
      'create index concurrently on t (x)',
      'drop index a',
      `comment on index a is 'create index b on t (x)'`,
      'create table index_on (on_t int)',
    ]) {
      expect([statement, createdIndex(statement)]).toEqual([statement, undefined]);
    }
  });
});

describe('a migration that does nothing but build indexes concurrently', () => {
  it('is told from one that does more', () => {
    const build = '-- why\nCREATE UNIQUE INDEX CONCURRENTLY a ON t (x)';
    const only = [
      [build],
      ['drop index concurrently if exists a', build, `comment on index a is 'x'`],
      ['set lock_timeout = 0', 'reindex (verbose) index concurrently a', 'reset lock_timeout'],
    ];
    for (const statements of only) expect([statements, areConcurrentBuilds(statements)]).toEqual([statements, true]);
    const more = [[], ['create index a on t (x)'], [build, 'alter table t add column y int'], ['set lock_timeout = 0']];
    for (const statements of more) expect([statements, areConcurrentBuilds(statements)]).toEqual([statements, false]);
  });
});
