import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';

describe('a file that awaits at its top what never comes', () => {
  it.each([
    [
      'a suite',
      'suites/never.ts',
      ['bench', 'suites', '--suite', 'suites'],
      'BENCH_SUITE_INVALID',
      /^suites\/never\.ts: /,
    ],
    [
      'a migration',
      'never/001_a.ts',
      ['migrate', 'plan', '--migrations-dir', 'never'],
      'MIGRATION_FILES_INVALID',
      /001_a\.ts: /,
    ],
    [
      'a configuration',
      'never.config.ts',
      ['migrate', 'plan', '--config', 'never.config.ts'],
      'CONFIG_INVALID',
      /never\.config\.ts cannot/,
    ],
  ])('%s is named, with the exit code of its command', async (_what, file, args, code, named) => {
    const cwd = await scratchDirectory();
    mkdirSync(path.dirname(path.join(cwd, file)), { recursive: true });
    writeFileSync(path.join(cwd, file), 'await new Promise(() => {});\nexport default {};\n');
    const run = await structdb([...args, '--json'], { cwd });
    expect(run).toMatchObject({ exitCode: 2, json: { error: { code } } });
    const { message, details = [] } = run.json.error;
    const told = [message, ...details].find((line: string) => named.test(line));
    expect(told).toContain('its top-level await waits for something that never comes');
    expect(run.stderr).not.toContain('Warning');
  });
});
