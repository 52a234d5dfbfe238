import path from 'node:path';
import type { Command } from 'commander';
import type { Registry } from '../migrate/index.ts';
import type { Session } from './session.ts';

export interface MigrationsFlags {
  readonly migrationsDir?: string;
}

export function addMigrationsDir(command: Command): Command {
  return command.option('--migrations-dir <folder>', 'the migrations in this folder, instead of those that ship');
}

export interface IgnoreFlags {
  readonly ignore?: readonly string[];
}

export function addIgnore(command: Command): Command {
  return command.option(
    '--ignore <pattern>',
    'leave out an object of another tool, with all its parts; "*" stands for any text; can be repeated',
    (pattern: string, before: readonly string[] = []) => [...before, pattern],
  );
}

/** The migrations of `--migrations-dir`, else of `migrations.directory` of the configuration, else those that ship. */
export async function migrationsOf(session: Session, flags: MigrationsFlags): Promise<Registry> {
  const { loadMigrations, registry } = await import('../migrate/index.ts');
  const directory = await migrationsDirectory(session, flags);
  return directory === undefined ? registry : loadMigrations(directory);
}

/** Relative to the working directory where it is below it, as a reader would write it; undefined when none is named. */
export async function migrationsDirectory(
  session: Session,
  { migrationsDir }: MigrationsFlags,
): Promise<string | undefined> {
  const configured = migrationsDir === undefined ? (await session.config()).migrations.directory : undefined;
  if (migrationsDir === undefined && configured === undefined) return undefined;
  const absolute =
    migrationsDir === undefined
      ? path.resolve(session.project.root, configured!)
      : path.resolve(session.environment.workingDirectory, migrationsDir);
  return shownFrom(session, absolute);
}

/** The folder as it is written from the working directory. */
export function shownFrom({ environment }: Session, absolute: string): string {
  const relative = path.relative(environment.workingDirectory, absolute);
  return relative === '' ? '.' : relative.startsWith('..') ? absolute : relative;
}
