import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { errorPage } from '../../scripts/write-error-docs.ts';
import { projectRoot } from '../support/cli.ts';

it('docs/errors.md lists exactly the codes of the registry (node scripts/write-error-docs.ts)', async () => {
  expect(await readFile(path.join(projectRoot, 'docs/errors.md'), 'utf8')).toBe(errorPage());
});
