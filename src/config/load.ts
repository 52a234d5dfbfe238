import path from 'node:path';
import { messageOf, StructdbError } from '../core/errors.ts';
import { importModule } from '../core/import-module.ts';
import { redact } from '../core/redact.ts';
import { defaultConfig } from './defaults.ts';
import { exists } from './project.ts';
import type { Config } from './schema.ts';

/**
 * Loads and validates the configuration; without a file all defaults hold.
 * @throws CONFIG_INVALID that lists every problem at once, with file and key.
 */
export async function loadConfig(configFile: string | undefined): Promise<Config> {
  if (configFile === undefined) return Object.freeze(await defaultConfig());
  const raw = await importConfig(configFile);
  const { configSchema } = await import('./schema.ts');
  const parsed = configSchema.safeParse(raw);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => {
      const where = [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.') || '(the whole)';
      // zod says of a name in a record only that it is invalid; why is told inside.
      const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
      return redact(`${where}: ${key === undefined ? message : 'is not a known key'}`);
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
  let module: { readonly default?: unknown };
  try {
    module = await importModule(file);
  } catch (cause) {
    if (!(await exists(file)))
      throw new StructdbError('CONFIG_INVALID', `There is no configuration file ${file}.`, {
        cause,
        hint: 'Run: structdb init',
      });
    throw new StructdbError('CONFIG_INVALID', `${file} cannot be loaded: ${redact(messageOf(cause)).split('\n')[0]}`, {
      cause,
      hint: adviceOn(messageOf(cause), file),
    });
  }
  if (module.default === undefined) {
    throw new StructdbError('CONFIG_INVALID', `${file} has no default export.`, {
      hint: 'Write: export default defineConfig({ … })',
    });
  }
  return module.default;
}

function adviceOn(message: string, file: string): string {
  // So Node answers where package.json says "type": "commonjs", as `npm init` writes it.
  if (/Cannot use import statement outside a module|Unexpected token 'export'/.test(message))
    return `Name it ${path.basename(file).replace(/\.(ts|js)$/, '.m$1')}, or write "type": "module" into package.json.`;
  return 'Correct the file; a new one is written by: structdb init';
}
