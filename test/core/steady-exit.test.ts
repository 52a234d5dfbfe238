import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';
import { projectRoot } from '../support/cli.ts';

const MODULE = pathToFileURL(path.join(projectRoot, 'src/core/steady-exit.ts')).href;

/** With which compilers V8 compiled a function that is called until the best of them had it. */
function compilersOf(before: string): Set<string> {
  const code = `${before}
    function hot(n) { let sum = 0; for (let i = 0; i < 1000; i++) sum += i % n; return sum; }
    for (let i = 1; i < 30000; i++) hot(i);`;
  const told = execFileSync(process.execPath, ['--trace-opt', '--input-type=module', '--eval', code], {
    encoding: 'utf8',
    env: { NODE_NO_WARNINGS: '1' },
  });
  return new Set([...told.matchAll(/<JSFunction hot .*\(target ([A-Z]+)/g)].map(([, compiler]) => compiler!));
}

it('leaves out the compiler whose threads may wait for ever when the process ends', () => {
  expect(compilersOf('')).toEqual(new Set(['MAGLEV', 'TURBOFAN']));
  expect(compilersOf(`import { steadyExit } from '${MODULE}'; steadyExit();`)).toEqual(new Set(['TURBOFAN']));
});
