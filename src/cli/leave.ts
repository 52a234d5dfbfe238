import { EXIT, type StructdbError } from '../core/errors.ts';

let left = false;

/** The process ends here and nowhere else: open sockets of a server that hangs must not keep a finished command alive. */
export function leave(code: number): never {
  left = true;
  process.exit(code);
}

/** Whether the process ends because structdb wants it to. */
export function hasLeft(): boolean {
  return left;
}

/**
 * The exit code of a command (`migrate up`) that failed. An archive_command fails with 1. A restore_command fails above 125
 * whatever the reason, if only a .env that cannot be read: 1 says that there is no such file, which ends a recovery
 * (PostgreSQL manual, "Archive Recovery").
 */
export function exitCodeOf(command: string, error: StructdbError): number {
  if (command === 'wal push') return EXIT.failed;
  if (command === 'wal fetch' && error.code !== 'WAL_MISSING') return EXIT.notFetched;
  return error.exitCode;
}
