import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { projectRoot } from './cli.ts';

/** The files of this checkout as git would clone them, changes that are not committed included. */
export async function copyCheckout(target: string): Promise<void> {
  const script = 'cd "$1" && git ls-files -z --cached --others --exclude-standard | tar c --null -T - | tar x -C "$2"';
  await promisify(execFile)('bash', ['-c', script, 'bash', projectRoot, target]);
}
