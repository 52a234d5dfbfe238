import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf } from '../../core/errors.ts';
import { SuiteProblem } from './problem.ts';

const SUITE = /(?<!\.d)\.(ts|mts|js|mjs|sql)$/;

/**
 * The files of a source: itself, or those of a folder, by name. Subfolders are left alone (helpers live there), and so
 * are hidden files and other kinds.
 * @throws SuiteProblem
 */
export function suiteFiles(source: string): string[] {
  let isFolder: boolean;
  let names: string[];
  try {
    isFolder = statSync(source).isDirectory();
    names = isFolder
      ? readdirSync(source, { withFileTypes: true })
          .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
          .map(({ name }) => name)
          .filter((name) => SUITE.test(name))
      : [];
  } catch (error) {
    throw new SuiteProblem(
      codeOf(error) === 'ENOENT' ? 'there is no such file or folder' : `cannot be read: ${messageOf(error)}`,
    );
  }
  if (!isFolder) {
    if (SUITE.test(source)) return [source];
    throw new SuiteProblem('a suite is a file *.ts, *.mts, *.js, *.mjs or *.sql');
  }
  if (names.length === 0) throw new SuiteProblem('the folder holds no suites (*.ts, *.js, *.sql)');
  return names.sort().map((name) => path.join(source, name));
}
