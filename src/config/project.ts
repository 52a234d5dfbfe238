import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf, StructdbError } from '../core/errors.ts';

export const CONFIG_NAMES = Object.freeze([
  'structdb.config.ts',
  'structdb.config.mts',
  'structdb.config.js',
  'structdb.config.mjs',
]);

/** Where a project is: its folder, and its configuration file when it has one. */
export interface Project {
  readonly root: string;
  readonly configFile?: string;
}

/** Finds the project from a folder upwards: the first that holds a configuration file or a `.structdb`; else the folder itself. */
export async function findProject(from: string): Promise<Project> {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    for (const name of CONFIG_NAMES) {
      if (await exists(path.join(folder, name))) return { root: folder, configFile: path.join(folder, name) };
    }
    if (await exists(path.join(folder, '.structdb'))) return { root: folder };
    if (folder === path.dirname(folder)) return { root: path.resolve(from) };
  }
}

/** The variables of the project's .env; the real environment wins over them. @throws FILE_UNREADABLE */
export async function readDotEnv(root: string): Promise<Record<string, string>> {
  const file = path.join(root, '.env');
  if (!(await exists(file))) return {};
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new StructdbError('FILE_UNREADABLE', `Cannot read ${file}: ${messageOf(cause)}.`, {
      cause,
      hint: 'Correct its permissions, or remove it.',
    });
  });
  // Editors of Windows begin a file with a mark, which parseEnv takes for a part of the first name.
  return parseEnv(text.replace(/^\uFEFF/, '')) as Record<string, string>;
}

/** Whether a file or folder is there. */
export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
