import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { CONFIG_NAMES, exists } from '../config/project.ts';
import { codeOf, EXIT, StructdbError } from '../core/errors.ts';
import type { Shell } from './shell.ts';

const CONFIG = `import { defineConfig } from 'structdb';

// Every value below is the default: keep what you change. All keys: docs/configuration.md
export default defineConfig({
  database: { url: process.env.DATABASE_URL },
  stores: {
    local: { type: 'directory', path: '.structdb/store' },
    // archive: { type: 's3', bucket: 'structdb', endpoint: 'https://s3.example.org' }, // docs/stores.md
  },
  backup: {
    daily: { kind: 'dump', store: 'local', keep: '30 days', at: '02:00' },
  },
  objectives: {
    rto: '15 minutes',
    rpo: '5 minutes',
    simpleFilters: '10 ms',
    complexQueries: '50 ms',
    aggregations: '100 ms',
    simpleGrowth: 1.5,
    indexHitRate: 0.95,
    cacheHitRate: 0.99,
    connectionUtilisation: 0.5,
  },
});
`;

const ENV_EXAMPLE = `# Copy to .env (and keep .env out of version control). The real environment wins over this file.
# DATABASE_URL=postgres://user:password@localhost:5432/structdb
# For stores in S3:
# AWS_ACCESS_KEY_ID=
# AWS_SECRET_ACCESS_KEY=
`;

/** `structdb init`: writes a configuration and .env.example, never over a file that is there nor beside one that it would hide. */
export function initCommand(shell: Shell): Command {
  return shell.command({
    name: 'init',
    summary: 'write structdb.config.ts and .env.example',
    example: 'structdb init',
    exitCodes: [EXIT.ok, EXIT.failed],
    run: async (session) => {
      const folder = session.environment.workingDirectory;
      const files = { [await configName(folder)]: CONFIG, '.env.example': ENV_EXAMPLE };
      const written: string[] = [];
      const kept: string[] = [];
      for (const [name, text] of Object.entries(files))
        ((await writeNew(path.join(folder, name), text)) ? written : kept).push(name);
      return {
        result: { folder, written, kept },
        human: (style) =>
          [
            ...written.map((name) => `${style.green('✓')} ${name} written`),
            ...kept.map((name) => `${style.dim('·')} ${name} is there already and was left alone`),
          ].join('\n'),
      };
    },
  });
}

/** The configuration that is there, or the name under which Node takes a new one for a module. */
async function configName(folder: string): Promise<string> {
  for (const name of CONFIG_NAMES) if (await exists(path.join(folder, name))) return name;
  // `npm init` writes "type": "commonjs", where a .ts file cannot import.
  return (await moduleType(folder)) === 'module' ? 'structdb.config.ts' : 'structdb.config.mts';
}

/** What the nearest package.json says of its files; without one Node looks into each. */
async function moduleType(folder: string): Promise<unknown> {
  const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return folder === path.dirname(folder) ? 'module' : moduleType(path.dirname(folder));
  try {
    return (JSON.parse(text) as { readonly type?: unknown } | null)?.type;
  } catch {
    return undefined;
  }
}

async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw new StructdbError('FILE_UNREADABLE', `Cannot write ${file}.`, {
      cause,
      hint: 'Check the owner and permissions of the folder.',
    });
  }
}
