import { execa } from 'execa';
import { StructdbError } from '../core/errors.ts';
import type { Program } from './find.ts';

/**
 * Hands the terminal to a program until it ends, and returns its exit code (128 + n when signal n ended it). It stays
 * in the terminal's foreground group, so Ctrl-C is its own.
 * @throws PROGRAM_FAILED when it cannot be started
 */
export async function runInTerminal(
  program: Program,
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const result = await execa(program.path, [...args], {
    env: variables,
    extendEnv: false,
    stdio: 'inherit',
    reject: false,
  });
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.isTerminated) return 130;
  throw new StructdbError('PROGRAM_FAILED', `${program.name} could not be started: ${result.shortMessage}.`);
}
