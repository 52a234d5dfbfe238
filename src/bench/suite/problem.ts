import { messageOf, StructdbError } from '../../core/errors.ts';

/** Something in a suite that stands in the way, in one line that says where and what to do. */
export class SuiteProblem extends Error {
  /** Of the file, from 1; undefined when it is about the whole. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Calls what a user wrote; its errors are told with what it was. */
export function calling<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalid(`${what} failed: ${messageOf(error)}.`, 'Correct the suite.', error);
  }
}

/** A suite that cannot be run. */
export function invalid(message: string, hint: string, cause?: unknown): StructdbError {
  return new StructdbError('BENCH_SUITE_INVALID', message.replace(/\.\.$/, '.'), {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
