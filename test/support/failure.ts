import { StructdbError } from '../../src/core/errors.ts';

/** The StructdbError that `work` fails with; anything else is thrown on. */
export async function failureOf(work: Promise<unknown>): Promise<StructdbError> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      if (error instanceof StructdbError) return error;
      throw error;
    },
  );
}
