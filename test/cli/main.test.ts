import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { program, projectRoot, structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';

describe('structdb', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(path.join(projectRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await structdb(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n` });
    expect(await structdb(['migrate', '--help'])).toMatchObject({ exitCode: 0 });
  });

  it('loads no database driver for --help', () => {
    // A resolve hook records every module that is imported while the help is printed.
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(specifier, context, next) { const r = next(specifier, context); process.stderr.write('LOADED ' + r.url + '\\n'); return r; } });`;
    // In the sources each package is a module of its own; the packed program has them in its files.
    const sources = path.join(projectRoot, 'bin/structdb.js');
    const run = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, sources, '--help'],
      { encoding: 'utf8' },
    );
    expect(run.stdout).toContain('Usage: structdb');
    const loaded = run.stderr.split('\n').filter((line) => line.startsWith('LOADED'));
    expect(loaded.some((line) => line.includes('/node_modules/commander/'))).toBe(true);
    expect(
      loaded.filter((line) =>
        /node_modules\/(pg|pg-.*|kysely|zod|execa|ora|@aws-sdk|@smithy|age-encryption)\//.test(line),
      ),
    ).toEqual([]);
  });

  it('fails on unknown flags and commands with a suggestion and exit code 2', async () => {
    const flag = await structdb(['init', '--jsn']);
    expect(flag).toMatchObject({ exitCode: 2, stdout: '' });
    expect(flag.stderr).toContain('--json');
    const command = await structdb(['migrat', '--json']);
    expect(command.exitCode).toBe(2);
    expect(command.json).toMatchObject({
      ok: false,
      exitCode: 2,
      error: { code: 'USAGE', hint: expect.stringContaining('migrate') },
    });
  });

  it('prints one JSON document with the same keys on success and on failure, wherever --json stands', async () => {
    const cwd = await scratchDirectory();
    const good = await structdb(['--json', 'init'], { cwd });
    expect(good.exitCode).toBe(0);
    const document = JSON.parse(good.stdout) as object;
    expect(Object.keys(document)).toEqual(['structdb', 'command', 'ok', 'exitCode', 'result', 'error']);
    expect(document).toMatchObject({
      command: 'init',
      ok: true,
      exitCode: 0,
      error: null,
      result: { written: ['structdb.config.ts', '.env.example'] },
    });
    const bad = await structdb(['migrate', 'status', '--json'], { cwd: await scratchDirectory() });
    expect(bad.exitCode).toBe(2);
    expect(Object.keys(bad.json)).toEqual(Object.keys(document));
    expect(bad.json).toMatchObject({
      command: 'migrate status',
      ok: false,
      result: null,
      error: { code: 'NO_CONNECTION' },
    });
  });

  const stranger = { uid: 64_321, gid: 64_321, encoding: 'utf8', env: { PATH: process.env.PATH } } as const;
  const canBeStranger =
    process.geteuid?.() === 0 &&
    [program, process.execPath].every((file) => spawnSync('/usr/bin/test', ['-r', file], stranger).status === 0);
  // Only root can become one.
  (canBeStranger ? it : it.skip)('runs for a user whom the system does not know, as in a container', () => {
    const args = ['migrate', 'status', '--url', 'host=127.0.0.1 port=1'];
    const run = spawnSync(process.execPath, [program, ...args], { ...stranger, cwd: '/' });
    expect(run.stderr).toContain('Cannot reach postgres://64321@127.0.0.1:1/64321');
    expect(run.status).toBe(1);
  });

  // Linux has a device that is always full.
  (existsSync('/dev/full') ? it : it.skip)('fails when what it prints does not fit on the disk', () => {
    const full = openSync('/dev/full', 'w');
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], { cwd: '/', stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    for (const args of [['migrate', 'plan'], ['dev', 'status', '--json'], ['--help']]) {
      expect(run(...args)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^✗ No space is left: .*\n.*\n$/),
      });
    }
    // What went wrong before is told, and no stack trace.
    expect(run('nope', '--json')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^✗ Unknown command.*\n.*\n$/),
    });
    closeSync(full);
  });

  it('names in the document of a wrong command line the command alone, and the exit code that comes', async () => {
    const typed = await structdb(['migrate', 'status', '--json', '--nope', '--url', 'postgres://u:secret@h/d']);
    expect(typed.json).toMatchObject({ command: 'migrate status', exitCode: 2, error: { code: 'USAGE' } });
    expect(typed.stdout + typed.stderr).not.toContain('secret');
    for (const [verb, exitCode] of [
      ['push', 1],
      ['fetch', 200],
    ] as const) {
      const run = await structdb(['wal', verb, '--json']);
      expect([run.exitCode, run.json.exitCode, run.json.command]).toEqual([exitCode, exitCode, `wal ${verb}`]);
    }
  });

  it('init never writes over a file that is there', async () => {
    const cwd = await scratchDirectory();
    await structdb(['init'], { cwd });
    const before = await readFile(path.join(cwd, 'structdb.config.ts'), 'utf8');
    expect((await structdb(['init', '--json'], { cwd })).json.result).toMatchObject({
      written: [],
      kept: ['structdb.config.ts', '.env.example'],
    });
    expect(await readFile(path.join(cwd, 'structdb.config.ts'), 'utf8')).toBe(before);
  });

  it.each([['commonjs'], [undefined]])('init writes a file that loads in a package of type %s', async (type) => {
    const cwd = await scratchDirectory();
    const below = path.join(cwd, 'below');
    await mkdir(below);
    await writeFile(path.join(cwd, 'package.json'), JSON.stringify({ name: 'x', type }));
    const { json } = await structdb(['init', '--json'], { cwd: below });
    expect(json.result.written).toEqual(['structdb.config.mts', '.env.example']);
    // It is read as a module, without a warning of Node's; what it imports is lent, for it is not installed here.
    const { exitCode, stderr } = await structdb(['dev', 'status'], { cwd: below });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('init writes no configuration beside one that it would hide', async () => {
    const cwd = await scratchDirectory();
    await writeFile(path.join(cwd, 'structdb.config.mjs'), 'export default {};\n');
    expect((await structdb(['init', '--json'], { cwd })).json.result).toMatchObject({
      written: ['.env.example'],
      kept: ['structdb.config.mjs'],
    });
  });

  it('a configuration that Node takes for CommonJS is told with what makes it a module', async () => {
    const cwd = await scratchDirectory();
    await writeFile(path.join(cwd, 'package.json'), '{ "type": "commonjs" }');
    await writeFile(
      path.join(cwd, 'structdb.config.ts'),
      "import { defineConfig } from 'structdb';\nexport default defineConfig({});\n",
    );
    const { json } = await structdb(['dev', 'status', '--json'], { cwd });
    expect(json.error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('structdb.config.mts') });
  });

  it('colours only what a terminal or FORCE_COLOR asks for, and NO_COLOR wins', async () => {
    const ESC = String.fromCharCode(27);
    const run = async (env: Record<string, string>, args: string[] = []) =>
      (await structdb(['migrate', 'status', ...args], { env })).stderr;
    expect(await run({})).not.toContain(ESC);
    expect(await run({ FORCE_COLOR: '1' })).toContain(ESC);
    expect(await run({ FORCE_COLOR: '1', NO_COLOR: '1' })).not.toContain(ESC);
    expect(await run({ FORCE_COLOR: '1' }, ['--no-color'])).not.toContain(ESC);
  });

  it('completes commands in bash', async () => {
    const { stdout } = await structdb(['completion', 'bash']);
    const complete = (words: string) =>
      spawnSync(
        'bash',
        [
          '-c',
          `${stdout}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _structdb; echo "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).stdout.trim();
    expect(complete('structdb mig')).toBe('migrate');
    expect(complete('structdb migrate sta')).toBe('status');
    // Behind values and arguments, and the flags of a verb that need not be typed.
    expect(complete('structdb --config other.ts migrate sta')).toBe('status');
    expect(complete('structdb migrate up --lock-timeout 5s --ur')).toBe('--url-file --url');
    expect(complete('structdb catalog show W14X90 --as')).toBe('--as-of');
    expect(complete('structdb bench --qui')).toBe('--quiet --quick');
  });

  // On the machine that counts, its absence is a failure: scripts/setup.sh --tests installs it.
  const hasFish = process.env.CI !== undefined || spawnSync('fish', ['--version']).error === undefined;
  (hasFish ? it : it.skip)('completes commands in fish', async () => {
    const { stdout } = await structdb(['completion', 'fish']);
    const complete = (line: string) => {
      const run = spawnSync('fish', ['-N', '-c', `${stdout}\ncomplete -C '${line}'`], { encoding: 'utf8' });
      return [run.stderr, ...run.stdout.trim().split('\n').sort()];
    };
    expect(complete('structdb mig')).toEqual(['', 'migrate']);
    expect(complete('structdb --json migrate sta')).toEqual(['', 'status']);
    expect(complete('structdb migrate up --lock-timeout 5s --ur')).toEqual(['', '--url', '--url-file']);
    expect(complete('structdb bench --qui')).toEqual(['', '--quick', '--quiet']);
  });
});
