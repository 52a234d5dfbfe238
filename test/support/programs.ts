import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from '@jest/globals';

/** Those of the programs that this machine lacks. */
export function missingPrograms(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return names.filter((name) => !folders.some((folder) => existsSync(path.join(folder, name))));
}

/**
 * Tests that need programs which not every machine has. Where one is missing they are skipped, saying so; in CI
 * (`CI=true`) that is a failure.
 */
export function describeWith(programs: readonly string[], name: string, define: () => void): void {
  const missing = missingPrograms(programs);
  const message = `${missing.join(', ')} missing: run  bash scripts/setup.sh --tests  (Debian)`;
  if (missing.length === 0) {
    describe(name, define);
  } else if (process.env.CI === 'true') {
    describe(name, () =>
      it('has the programs that it needs', () => {
        throw new Error(message);
      }),
    );
  } else {
    process.stderr.write(`Skipped "${name}": ${message}\n`);
    describe.skip(name, define);
  }
}
