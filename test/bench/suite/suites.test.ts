import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../../support/cli.ts';
import { scratchDirectory } from '../../support/scratch.ts';

/** A project with these files. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await scratchDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
    await writeFile(path.join(cwd, name), text);
  }
  return cwd;
}

const object = (inside: string) => `export default { queries: [${inside}] };\n`;

describe('structdb bench suites', () => {
  it('lists every problem of all files at once, each with its place', async () => {
    const cwd = await project({
      'bad/a-syntax.ts': `export default {\n  queries: [\n    { name: 'a', sql: 'select 1',\n  ],\n};\n`,
      'bad/b-none.ts': 'export const queries = [];\n',
      'bad/c-keys.ts': object(`{ name: 'c', sql: 'select 1', taget: '5 ms' }`),
      'bad/d-target.ts': object(`{ name: 'd', sql: 'select 1', target: '5 parsecs' }`),
      'bad/e-empty.ts': object(''),
      'bad/f-twice.ts': object(`{ name: 'f', sql: 'select 1' }, { name: 'f', sql: 'select 2' }`),
      'bad/g-twin.sql': '-- name: f\nselect 1;\n',
      'bad/h-syntax.sql': '-- name: h\n\nselect 1\nfrm projects\nwhere true;\n',
      'bad/i-writes.sql':
        '-- name: i\nupdate projects set name = name;\n-- name: i2\nselect 1 from projects for update\n',
      'bad/j-unnamed.sql': '-- draw a: select 1\nselect 1;\n',
      'bad/k-unknown.sql': '-- name: k\n-- taget: 5 ms\nselect 1;\n',
      'bad/l-undrawn.sql': "-- draw account: select 1\n-- name: l\nselect ':no', 1::int, :acount;\n",
      'bad/m-draw.sql': '-- draw a: selec 1\n-- name: m\nselect :a;\n',
      'bad/o-one.ts': `export default { name: 'same', queries: [{ name: 'o1', sql: 'select 1' }] };\n`,
      'bad/o-two.ts': `export default { name: 'same', queries: [{ name: 'o2', sql: 'select 1' }] };\n`,
      'bad/helpers/not-a-suite.ts': 'export const x = 1;\n',
      'bad/n-both.ts': object(`{ name: 'n' }, { name: 'n2', sql: 'select :a', parameters: () => [] }`),
    });
    const run = await structdb(['bench', 'suites', '--json', '--suite', 'bad', '--suite', 'nowhere'], { cwd });
    expect(run.exitCode).toBe(2);
    expect(run.json.error.code).toBe('BENCH_SUITE_INVALID');
    expect(run.json.error.details).toEqual([
      expect.stringMatching(/^bad\/a-syntax\.ts:4: cannot be imported: /),
      expect.stringMatching(/^bad\/b-none\.ts: it has no default export; write "export default/),
      'bad/c-keys.ts: queries[0] "c": taget is not a known key',
      'bad/d-target.ts: queries[0] "d": target "5 parsecs" is no duration such as "5 ms"',
      'bad/e-empty.ts: queries holds no query',
      'bad/h-syntax.sql:4: "h": syntax error at or near "projects"',
      'bad/i-writes.sql:2: "i": it writes (UPDATE); a benchmark only reads, write into the database with setUp',
      'bad/i-writes.sql:4: "i2": it locks rows (FOR UPDATE or SHARE), which a session that only reads may not',
      'bad/j-unnamed.sql:2: a statement without "-- name: …" above it',
      'bad/k-unknown.sql:2: "taget" is not a known key; write name, class, asks, target, index, draw or setUp',
      'bad/l-undrawn.sql:3: "l": ":acount" is not drawn; what is: :account',
      'bad/m-draw.sql: draw a: syntax error at or near "selec"',
      'bad/n-both.ts: queries[0] "n": needs either "build" or "sql"',
      'bad/n-both.ts: "n2": it has ":a" and "parameters"; write one of both',
      'nowhere: there is no such file or folder',
      'bad/f-twice.ts: a second query named "f"; give it another name',
      'bad/g-twin.sql: a second query named "f", as in bad/f-twice.ts; give it another name',
      'bad/o-two.ts: a second suite named "same", as in bad/o-one.ts; give it another name',
    ]);
  });

  it('lists what else is wrong with a file of which a query is wrong', async () => {
    const cwd = await project({
      'bad/a.sql': [
        '-- draw 1st: select 1',
        '-- draw day: select 1',
        '-- draw day: select 2',
        '-- name: lost',
        '-- name: one',
        '-- taget: 5 ms',
        '-- class: simple',
        '-- class: complex',
        'select :dya;',
        'select 2;',
        '-- setUp',
        '-- name: both',
        'select 3;',
        '-- name: slow',
        '-- target: soon',
        'select 4;',
        '-- name: one',
        'selec 5;',
        '-- name: end',
      ].join('\n'),
      'bad/b.ts': `export default {
        name: 'no good', setUp: 'nowhere.sql', draws: {},
        queries: [{ name: 'slow', sql: 'selec 1' }, { name: 'x y', sql: 'select 1' }],
      };\n`,
      'bad/c.ts': `export default { draw: 1, setUp: 'nowhere.sql', queries: [{ name: 'c', sql: 'select :any' }] };\n`,
    });
    const run = await structdb(['bench', 'suites', '--json', '--suite', 'bad'], { cwd });
    expect(run.json.error.details).toEqual([
      'bad/a.sql:1: write "-- draw account: select …", with a name for each column',
      'bad/a.sql:3: a second "-- draw day"',
      'bad/a.sql:5: no statement follows "-- name: lost"',
      'bad/a.sql:6: "taget" is not a known key; write name, class, asks, target, index, draw or setUp',
      'bad/a.sql:8: a second "-- class"',
      'bad/a.sql:10: a statement without "-- name: …" above it',
      'bad/a.sql:13: a statement is a query or set-up, not both',
      'bad/a.sql:19: no statement follows "-- name: end"',
      'bad/a.sql: queries[1] "slow": target "soon" is no duration such as "5 ms"',
      'bad/a.sql:9: "one": ":dya" is not drawn; what is: :day',
      'bad/a.sql:18: "one": syntax error at or near "selec"',
      expect.stringMatching(/^bad\/b\.ts: name "no good" is no name of letters/),
      expect.stringMatching(/^bad\/b\.ts: queries\[1\] "x y": name "x y" is no name of letters/),
      'bad/b.ts: draws is not a known key',
      'bad/b.ts: "slow": syntax error at or near "selec"',
      expect.stringMatching(/^bad\/b\.ts: setUp nowhere\.sql: ENOENT/),
      expect.stringMatching(/^bad\/c\.ts: draw is neither a function/),
      expect.stringMatching(/^bad\/c\.ts: setUp nowhere\.sql: ENOENT/),
      'bad/a.sql: a second query named "one"; give it another name',
      'bad/b.ts: a second query named "slow", as in bad/a.sql; give it another name',
    ]);
  });

  it('lists the suites of the configuration with their targets, and --suite wins', async () => {
    const cwd = await project({
      'structdb.config.ts': `export default { bench: { suites: ['bench'] }, objectives: { complexQueries: '40 ms' } };\n`,
      'bench/one.sql': '-- name: a\n-- class: complex\nselect 1;\n',
      'bench/two.ts': object(`{ name: 'b', sql: 'select 2', target: '3 ms', asks: 'two' }`),
    });
    const configured = await structdb(['bench', 'suites', '--json'], { cwd });
    expect(configured.json.result).toEqual({
      suites: [
        { name: 'one', file: 'bench/one.sql', queries: ['a'] },
        { name: 'two', file: 'bench/two.ts', queries: ['b'] },
      ],
      queries: [
        { suite: 'one', name: 'a', class: 'complex', targetMs: 40, asks: 'a', index: null },
        { suite: 'two', name: 'b', class: 'simple', targetMs: 3, asks: 'two', index: null },
      ],
      setUp: 0,
    });
    const given = await structdb(['bench', 'suites', '--suite', 'platform', '--suite', 'bench/two.ts'], { cwd });
    expect(given.stdout).toMatch(/^platform\n {2}project-list +simple +< 10 ms {2}the completed projects/);
    expect(given.stdout).toMatch(/\ntwo \(bench\/two\.ts\)\n {2}b +simple +< 3\.0 ms {2}two\n$/);
  });
});
