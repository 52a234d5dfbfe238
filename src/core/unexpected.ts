import { StructdbError } from './errors.ts';

/** Anything thrown as a StructdbError. What is not one is a defect, except the system's own well-known complaints. */
export function asStructdbError(error: unknown): StructdbError {
  if (error instanceof StructdbError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StructdbError('DISK_FULL', `No space is left: ${message}.`, {
      cause: error,
      hint: 'Free space, then run the command again.',
    });
  if (code === 'ENOENT') return new StructdbError('FILE_MISSING', `A file is missing: ${message}.`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'EFBIG') {
    return new StructdbError('FILE_UNREADABLE', `A file cannot be used: ${message}.`, {
      cause: error,
      hint: 'Check its owner and permissions.',
    });
  }
  return new StructdbError('INTERNAL', `structdb met an error it did not expect: ${message}`, {
    cause: error,
    hint: 'Run it again with --verbose and report what it prints.',
  });
}
