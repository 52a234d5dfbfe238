import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { scratchDirectory } from '../support/scratch.ts';
import { infra } from './stack.ts';

const script = path.join(infra, 'structdb', 'scheduler.sh');

/** The loop itself, with a structdb that only notes how it is called. What it starts is tried for real in stack.test.ts. */
describe('infra/structdb/scheduler.sh', () => {
  let directory: string;
  let state: string;

  beforeEach(async () => {
    directory = await scratchDirectory();
    state = path.join(directory, '.structdb', 'scheduler');
    await mkdir(path.join(directory, 'bin'));
    await stub('exit 0');
  });

  /** `$1` is the first word of the command. */
  async function stub(body: string): Promise<void> {
    const file = path.join(directory, 'bin', 'structdb');
    await writeFile(file, `#!/bin/sh\necho "$*" >>'${directory}/calls'\n${body}\n`);
    await chmod(file, 0o755);
  }

  const env = () => ({ PATH: `${directory}/bin:${process.env.PATH}`, STRUCTDB_SCHEDULER_LOOK: '0.05' });
  const run = (word: string) =>
    new Promise<number>((resolve) => {
      execFile(script, [word], { cwd: directory, env: env() }, (error) => resolve(error ? Number(error.code) : 0));
    });
  const calls = async () => (await readFile(`${directory}/calls`, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  /** In how many seconds a job is due. */
  const dueIn = async (job: string) =>
    Number(await readFile(path.join(state, `${job}.next`), 'utf8')) - Date.now() / 1000;

  it('starts each job in turn, and none again before its time', async () => {
    expect(await run('once')).toBe(0);
    const first = await calls();
    expect(first.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'backup --no-color',
      'dashboard refresh',
      'backup prune',
      'dr-test --no-color',
    ]);
    expect(await run('once')).toBe(0);
    expect(await calls()).toEqual(first);
    expect(await dueIn('drill')).toBeGreaterThan(6.9 * 86_400);
  });

  it('tries what failed again soon, but not what found a broken promise', async () => {
    await stub('case $1 in backup) exit 1;; dr-test) exit 4;; esac');
    expect(await run('once')).toBe(1);
    expect(await dueIn('backup')).toBeLessThan(301);
    expect(await dueIn('dashboard')).toBeGreaterThan(200);
    expect(await dueIn('drill')).toBeGreaterThan(6.9 * 86_400);
  });

  it('passes on that it is to stop, and ends with 0 once the job has', async () => {
    await stub(
      `trap 'kill $!; echo stopped >>${directory}/calls; exit 130' TERM; echo >'${directory}/runs'; sleep 60 & wait`,
    );
    const child = spawn(script, [], { cwd: directory, env: env(), stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (!(await readFile(`${directory}/runs`).catch(() => undefined))) await new Promise((go) => setTimeout(go, 20));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect((await calls()).at(-1)).toBe('stopped');
  });

  it('is healthy while it goes round', async () => {
    expect(await run('healthy')).toBe(1);
    await run('once');
    expect(await run('healthy')).toBe(0);
    const before = new Date(Date.now() - 120_000);
    await utimes(path.join(state, 'alive'), before, before);
    expect(await run('healthy')).toBe(1);
  });
});
