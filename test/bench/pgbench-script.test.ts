import { describe, expect, it } from '@jest/globals';
import { readLog } from '../../src/bench/side-by-side/pgbench.ts';
import { pgbenchScript } from '../../src/bench/side-by-side/pgbench-script.ts';

describe('a statement for pgbench', () => {
  it('has variables where the parameters are, each under its own name, and nowhere else', () => {
    expect(
      pgbenchScript(
        {
          sql: `select '$1', "$2", $tag$ $1 $tag$, a::text /* $1 */ from t -- $2\nwhere b = $1 and c > $2 and d = $1;`,
          parameters: ['O’Neill = 1', 12.5],
        },
        'p3_',
      ),
    ).toEqual({
      text: `select '$1', "$2", $tag$ $1 $tag$, a::text /* $1 */ from t -- $2\nwhere b = :p3_1 and c > :p3_2 and d = :p3_1\n;\n`,
      variables: [
        ['p3_1', 'O’Neill = 1'],
        ['p3_2', '12.5'],
      ],
    });
  });

  it.each([
    ['a time of the day', "select '12:30'::time", [], 'it would read a colon of the statement as a variable'],
    ['a slice', 'select a[1:2] from t', [], 'it would read a colon of the statement as a variable'],
    [
      'a line that begins with a backslash',
      'select 1\n\\echo',
      [],
      'it would read a line of the statement as a command',
    ],
    ['NULL', 'select $1', [null], 'it takes no NULL as a value'],
    ['an array', 'select $1', [['a']], 'it takes no object as a value'],
    ['an empty text', 'select $1', [''], 'it takes no empty text as a value'],
  ])('is refused with the reason for %s', (_, sql, parameters, why) => {
    expect(pgbenchScript({ sql, parameters }, 'p')).toBe(why);
  });
});

describe('the log of pgbench', () => {
  it('gives milliseconds, without the first of each client and script, which prepares it', () => {
    const log =
      '0 0 9000 0 1764468912 1\n1 0 8000 0 1764468912 2\n0 1 250 0 1764468912 3\n0 2 7000 1 1764468912 4\n1 1 1500 0 1764468912 5\n';
    expect(readLog(log)).toEqual([0.25, 1.5]);
    // Cut off by the end of the program.
    expect(readLog(`${log}0 3 fai`)).toEqual([0.25, 1.5]);
  });
});
