import { isUtf8 } from 'node:buffer';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { describeImportFailure } from '../../core/import-failure.ts';
import { importModule } from '../../core/import-module.ts';
import type { MigrationConfig, RegisteredMigration, Registry } from '../registry.ts';
import { FileProblem, parseSqlFile } from './sql-file.ts';

const MODULE = /(?<!\.d)\.(ts|mts|js|mjs)$/;
const SQL = /\.sql$/;
/** Node would run these too, but nobody would look for an ES module in them. */
const COMMON_JS = /(?<!\.d)\.(cts|cjs)$/;

/**
 * The migrations of a folder, by the names of their files without extension: TypeScript and JavaScript modules that
 * export `up`, and SQL files with `-- migrate:up`. Subfolders, hidden files, declarations and other kinds of files are
 * left alone.
 * @throws MIGRATION_FILES_INVALID that lists every problem, with file and line
 */
export async function loadMigrations(directory: string): Promise<Registry> {
  const files = migrationFiles(directory);
  const problems: string[] = twins(files);
  const loaded = await Promise.all(
    files.map(async (file): Promise<[string, RegisteredMigration] | undefined> => {
      try {
        return [nameOf(file), await loadFile(directory, file)];
      } catch (error) {
        if (!(error instanceof FileProblem)) throw error;
        problems.push(`${file}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`);
        return undefined;
      }
    }),
  );
  if (problems.length > 0) throw unusable(directory, problems.sort());
  return Object.freeze(Object.fromEntries(loaded.filter((entry) => entry !== undefined)));
}

/** The names of the migrations in a folder, in order, without reading them. @throws MIGRATION_FILES_INVALID when there is no folder */
export function migrationNames(directory: string): string[] {
  return [...new Set(filesOf(directory).map(nameOf))].sort();
}

function migrationFiles(directory: string): string[] {
  const files = filesOf(directory);
  if (files.length > 0) return files;
  throw new StructdbError(
    'MIGRATION_FILES_INVALID',
    `The folder ${directory} holds no migrations (*.ts, *.js, *.sql).`,
    {
      hint: `Write the first: structdb migrate create <name> --migrations-dir ${directory}`,
    },
  );
}

function filesOf(directory: string): string[] {
  return readFolder(directory)
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => MODULE.test(name) || SQL.test(name) || COMMON_JS.test(name))
    .sort();
}

function readFolder(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (cause) {
    const code = codeOf(cause);
    const message =
      code === 'ENOENT'
        ? `There is no folder of migrations ${directory}.`
        : code === 'ENOTDIR'
          ? `${directory} is a file, not a folder of migrations.`
          : `Cannot read the folder of migrations ${directory}: ${messageOf(cause)}.`;
    throw new StructdbError('MIGRATION_FILES_INVALID', message, {
      cause,
      hint: 'Correct --migrations-dir, or migrations.directory of the configuration; a new folder begins with: structdb migrate create <name>',
    });
  }
}

function nameOf(file: string): string {
  return path.parse(file).name;
}

/** The name is what the database remembers: two files with one name would be one migration. */
function twins(files: readonly string[]): string[] {
  const byName = Map.groupBy(files, nameOf);
  return [...byName]
    .filter(([, same]) => same.length > 1)
    .map(([name, same]) => `${same.join(' and ')}: both are migration ${name}; remove or rename one`);
}

async function loadFile(directory: string, file: string): Promise<RegisteredMigration> {
  const shown = path.join(directory, file);
  const text = readText(path.resolve(directory, file));
  if (SQL.test(file)) return parseSqlFile(text, shown);
  if (COMMON_JS.test(file))
    throw new FileProblem('CommonJS is not read; write it as an ES module (.ts, .mts, .js, .mjs)');
  return loadModule(path.resolve(directory, file), shown, text);
}

/** Line ends as in Unix and no byte order mark: a checkout on another system must not change a checksum. */
function readText(file: string): string {
  const bytes = readBytes(file);
  // Read all the same, each letter of another encoding would reach the database as U+FFFD.
  if (!isUtf8(bytes)) throw new FileProblem('is not in UTF-8; save it in that encoding', firstLineNotInUtf8(bytes));
  return bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n');
}

function readBytes(file: string): Buffer {
  try {
    // Hundreds of small files: through Node's thread pool each would take ten times as long.
    if (statSync(file).isFile()) return readFileSync(file);
  } catch (cause) {
    throw new FileProblem(`cannot be read: ${messageOf(cause)}`);
  }
  // A pipe would be waited for without end.
  throw new FileProblem('is no file');
}

/** By the bytes alone: a line feed is no part of a longer character. */
function firstLineNotInUtf8(bytes: Buffer): number {
  for (let start = 0, line = 1; ; line += 1) {
    const end = bytes.indexOf('\n', start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

async function loadModule(file: string, shown: string, text: string): Promise<RegisteredMigration> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = await importModule(file);
  } catch (error) {
    const { message, line } = await describeImportFailure(error, file, text);
    throw new FileProblem(message, line);
  }
  // `export default { up, down }` is what kysely takes too.
  const module = (typeof exports.up === 'function' ? exports : (exports.default ?? exports)) as Record<string, unknown>;
  const { up, down, config } = module;
  if (typeof up !== 'function') throw new FileProblem('it exports no function "up"');
  if (down !== undefined && typeof down !== 'function') throw new FileProblem('"down" is not a function');
  return {
    up: up as RegisteredMigration['up'],
    ...(down === undefined ? {} : { down: down as NonNullable<RegisteredMigration['down']> }),
    ...(config === undefined ? {} : { config: checkedConfig(config) }),
    source: { file: shown, text },
  };
}

/** `transaction: 'false'` would be true. Keys that structdb does not know may be another tool's. */
function checkedConfig(config: unknown): MigrationConfig {
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isObject(config)) throw new FileProblem('"config" is not an object');
  const expect = (where: string, object: Record<string, unknown>, key: string, types: readonly string[]) => {
    const value = object[key];
    if (value === undefined || types.includes(typeof value)) return;
    throw new FileProblem(`"${where}.${key}" is not a ${types.join(' or ')}`);
  };
  if (config.down !== undefined && !isObject(config.down)) throw new FileProblem('"config.down" is not an object');
  for (const [where, object] of [
    ['config', config],
    ['config.down', config.down ?? {}],
  ] as const) {
    expect(where, object as Record<string, unknown>, 'transaction', ['boolean']);
    expect(where, object as Record<string, unknown>, 'lockTimeout', ['string']);
    expect(where, object as Record<string, unknown>, 'statementTimeout', ['string']);
  }
  expect('config', config, 'irreversible', ['string', 'boolean']);
  return config as MigrationConfig;
}

function unusable(directory: string, problems: readonly string[]): StructdbError {
  const [first] = problems;
  const hint = 'Correct the files; helpers of migrations belong into a subfolder.';
  return problems.length === 1
    ? new StructdbError('MIGRATION_FILES_INVALID', `The migrations in ${directory} cannot be used: ${first}.`, { hint })
    : new StructdbError('MIGRATION_FILES_INVALID', `The migrations in ${directory} have ${problems.length} problems.`, {
        details: problems,
        hint,
      });
}
