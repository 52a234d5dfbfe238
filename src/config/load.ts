import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { messageOf, StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { type Config, configSchema } from './schema.ts';

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

/**
 * Loads and validates the configuration; without a file all defaults hold.
 * @throws CONFIG_INVALID that lists every problem at once, with file and key.
 */
export async function loadConfig(configFile: string | undefined): Promise<Config> {
  const raw = configFile === undefined ? {} : await importConfig(configFile);
  const parsed = configSchema.safeParse(raw);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => {
      const where = [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.') || '(the whole)';
      return redact(`${where}: ${key === undefined ? issue.message : 'is not a known key'}`);
    });
  });
  throw new StructdbError(
    'CONFIG_INVALID',
    `${configFile} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}.`,
    {
      details: problems,
      hint: 'Correct the keys above; docs/configuration.md lists all of them.',
    },
  );
}

async function importConfig(file: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (cause) {
    if (!(await exists(file)))
      throw new StructdbError('CONFIG_INVALID', `There is no configuration file ${file}.`, {
        cause,
        hint: 'Run: structdb init',
      });
    const missing = /Cannot find package 'structdb'/.test(messageOf(cause));
    throw new StructdbError('CONFIG_INVALID', `${file} cannot be loaded: ${redact(messageOf(cause)).split('\n')[0]}`, {
      cause,
      hint: missing
        ? 'Install structdb in this project: npm install --save-dev structdb'
        : 'Correct the file; a new one is written by: structdb init',
    });
  }
  if (module.default === undefined) {
    throw new StructdbError('CONFIG_INVALID', `${file} has no default export.`, {
      hint: 'Write: export default defineConfig({ … })',
    });
  }
  return module.default;
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
  return parseEnv(text) as Record<string, string>;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
