import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { describeHolder, type LockHolder, withFileLock } from '../programs/file-lock.ts';

const WAIT_MS = 120_000;

/** Runs `work` while no other structdb works on this private server. A second one waits, and gives up with LOCKED. */
export async function withServerLock<T>(
  directory: string,
  command: string,
  context: RunContext,
  work: () => Promise<T>,
): Promise<T> {
  const lock = {
    directory,
    prefix: 'lock-',
    command,
    waitMs: WAIT_MS,
    onWait: (holder: LockHolder) =>
      context.report({ kind: 'notice', message: `Waiting for ${describeHolder(holder)}.` }),
    lockedBy,
    unwritable: (cause: unknown) => unwritable(directory, cause),
  };
  return withFileLock(lock, context, work);
}

function unwritable(directory: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === 'ENOENT') {
    return new StructdbError('LOCKED', `Another structdb has just removed ${directory}.`, {
      cause,
      hint: 'Run the command again.',
    });
  }
  if (code !== 'EACCES' && code !== 'EPERM') return cause;
  return new StructdbError('DATA_DIRECTORY_OWNER', `The private server in ${directory} belongs to another user.`, {
    cause,
    hint: `Run structdb as the owner: ls -ld ${directory}`,
  });
}

function lockedBy(holder: LockHolder): StructdbError {
  return new StructdbError('LOCKED', `The private server is in the hands of ${describeHolder(holder)}.`, {
    hint: 'Wait for it to end, then run the command again.',
  });
}
