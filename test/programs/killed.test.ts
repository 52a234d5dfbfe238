import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scratchDirectory } from '../support/scratch.ts';
import { until } from '../wal/support.ts';

describe('a program that structdb runs', () => {
  it('ends when structdb is killed', async () => {
    const folder = await scratchDirectory();
    const script = path.join(folder, 'run.ts');
    const pidFile = path.join(folder, 'pid');
    const run = path.join(import.meta.dirname, '../../src/programs/run.ts');
    await writeFile(
      script,
      `import { runProgram } from ${JSON.stringify(run)};
       const sh = { name: 'sh', path: '/bin/sh', version: '', major: 0 };
       await runProgram(sh, ['-c', 'echo $$ > ${pidFile}; exec sleep 600'], { env: { PATH: '/usr/bin:/bin' }, doing: 'Sleeping' });`,
    );
    const structdb = spawn(process.execPath, [script], { stdio: 'ignore' });
    const pid = () => readFile(pidFile, 'utf8').then(Number, () => 0);
    await until('it runs', async () => (await pid()) > 0);
    const program = await pid();
    expect(lives(program)).toBe(true);
    structdb.kill('SIGKILL');
    await until('it has ended', async () => !(await isRunning(program)));
  });
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** One that waits for its parent to look at it has ended. */
async function isRunning(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return lives(pid) && !/\) Z /.test(state);
}
