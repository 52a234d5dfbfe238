import { spawn } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { program, structdb } from '../support/cli.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();
const ESC = String.fromCharCode(27);
const SPINNER = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;
/** Back to the first column, and nothing to the right of it any more. */
const ERASED = `${ESC}[1G${ESC}[0K`;
const END = 'Applied 6 migrations: the database is at ';
const STEP = /^✓ Applied 006_envelope_support /m;

/** `migrate up` on a terminal of that many columns (0: one without a size), as `script` gives it. */
async function onTerminal(columns: number, env: Record<string, string> = {}, flags = ''): Promise<string> {
  const connection = await server.createOwnedDatabase();
  const command = `stty cols ${columns} && "$NODE" "$CLI" migrate up ${flags} --url "$URL"`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: scratch,
    env: {
      PATH: process.env.PATH,
      HOME: scratch,
      TERM: 'xterm',
      SHELL: '/bin/bash',
      NODE: process.execPath,
      CLI: program,
      URL: urlOf(connection),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 240_000,
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  return text.replaceAll('\r\n', '\n');
}

describe('on a terminal', () => {
  it('a spinner shows the step at work and is erased, and what was done stays', async () => {
    const text = await onTerminal(100);
    expect(text).toMatch(SPINNER);
    expect(text).toContain(ERASED);
    expect(text).toContain(END);
    const afterLastErasure = text.slice(text.lastIndexOf(ERASED));
    expect(afterLastErasure).not.toMatch(SPINNER);
  });

  it('without a size there is no spinner, and the command ends', async () => {
    const text = await onTerminal(0);
    expect(text).not.toMatch(SPINNER);
    expect(text).toContain(END);
  });

  it.each([
    ['CI=1', { CI: '1' }, ''],
    ['TERM=dumb', { TERM: 'dumb' }, ''],
    ['--quiet', {}, '--quiet'],
    ['--json', {}, '--json'],
  ])('with %s there is no spinner', async (_name, env, flags) => {
    expect(await onTerminal(100, env as Record<string, string>, flags)).not.toMatch(SPINNER);
  });

  it.each([
    ['NO_COLOR=1', { NO_COLOR: '1', CI: '1' }, ''],
    ['--no-color', { CI: '1' }, '--no-color'],
  ])('with %s there is no colour', async (_name, env, flags) => {
    expect(await onTerminal(100, env, flags)).not.toContain(`${ESC}[`);
  });
});

describe('elsewhere', () => {
  const up = async (connection: ConnectionSettings, ...flags: string[]) =>
    structdb(['migrate', 'up', ...flags, '--url', urlOf(connection)]);

  it('each finished step is a line; --quiet leaves them out, --verbose tells their beginning too', async () => {
    const plain = await up(await server.createOwnedDatabase());
    expect(plain.stderr).toMatch(STEP);
    expect(plain.stderr).not.toContain('· ');
    const quiet = await up(await server.createOwnedDatabase(), '--quiet');
    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
    const verbose = await up(await server.createOwnedDatabase(), '--verbose');
    expect(verbose.stderr).toMatch(/^· Applying 006_envelope_support …$/m);
    expect(verbose.stderr).toMatch(STEP);
  });

  it('an error is told also with --quiet; --verbose adds its code and causes', async () => {
    const nowhere = ['migrate', 'status', '--url', 'postgres://u:hidden@127.0.0.1:1/d'];
    const quiet = await structdb([...nowhere, '--quiet']);
    expect([quiet.exitCode, quiet.stdout]).toEqual([1, '']);
    expect(quiet.stderr).toMatch(/^✗ Cannot reach .*\n {2}→ .*\n$/);
    const verbose = await structdb([...nowhere, '--verbose']);
    expect(verbose.stderr).toContain('caused by: ');
    expect(verbose.stderr).toContain('code: CONNECTION_FAILED');
    expect(verbose.stderr).not.toContain('hidden');
    expect(await structdb([...nowhere, '--quiet', '--verbose'])).toMatchObject({ exitCode: 2 });
  });
});
