import { constants, copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { temporaryIn, withFolderLock } from './folder-lock.ts';
import { migrationNames } from './load.ts';
import { nextNumber, slugOf } from './new-name.ts';
import { fill, readTemplate, TEMPLATES, type Template } from './templates.ts';

export interface CreateMigrationOptions {
  /** The folder of the migrations, which is made where it is not there. */
  readonly directory: string;
  /** In words: `add rooms`. */
  readonly name: string;
  /** `typescript` by default; not beside `template`. */
  readonly language?: keyof typeof TEMPLATES;
  /** A file to take instead of structdb's own template, with `{{number}}` and `{{name}}`. */
  readonly template?: string;
}

export interface CreatedMigration {
  /** Of the migration: `007_add_rooms`. */
  readonly name: string;
  readonly file: string;
  /** What the name begins with: `007`. */
  readonly number: string;
}

/**
 * Writes a new migration from a template, named so that it comes after all others of the folder. Nothing is overwritten,
 * and two at once get two numbers.
 * @throws USAGE for a name that cannot be one, MIGRATION_FILES_INVALID when no number would come last, FILE_MISSING and
 * FILE_UNREADABLE of the template and the folder, DISK_FULL, INTERRUPTED
 */
export async function createMigration(
  { directory, name, language = 'typescript', template }: CreateMigrationOptions,
  context: RunContext,
): Promise<CreatedMigration> {
  const slug = slugOf(name);
  const source = template === undefined ? TEMPLATES[language] : await readTemplate(template);
  try {
    const made = await mkdir(directory, { recursive: true });
    if (made !== undefined)
      context.report({ kind: 'notice', message: `The folder ${directory} was not there: created` });
    for (;;) {
      const created = await withFolderLock(directory, context, () => createOne(directory, slug, source, context));
      if (created !== undefined) return Object.freeze(created);
      await sleep(Math.random() * 50);
    }
  } catch (cause) {
    throw asStructdbError(cause, directory);
  }
}

/** Undefined when another took the number all the same: its lock was broken while it was held up. */
async function createOne(
  directory: string,
  slug: string,
  template: Template,
  context: RunContext,
): Promise<CreatedMigration | undefined> {
  const { number, separator } = nextNumber(migrationNames(directory), context.clock.now());
  const name = `${number}${separator}${slug}`;
  const file = path.join(directory, `${name}${template.extension}`);
  stopIfInterrupted(context);
  const outcome = await writeNew(file, fill(template, { number, name: slug }));
  const names = migrationNames(directory);
  if (outcome === 'taken' && !names.includes(name)) {
    throw new StructdbError('FILE_UNREADABLE', `${file} is there already, and is not a file of a migration.`, {
      hint: 'Move it away, or give the migration another name.',
    });
  }
  if (outcome !== 'written') return undefined;
  if (names.every((other) => other === name || !other.startsWith(`${number}${separator}`)))
    return { name, file, number };
  await rm(file, { force: true });
  return undefined;
}

/** Whole or not at all, and never over a file that is there. `lost`: another took its lock and cleared its file away. */
async function writeNew(file: string, text: string): Promise<'written' | 'taken' | 'lost'> {
  const temporary = temporaryIn(path.dirname(file));
  try {
    await writeFile(temporary, text, { flag: 'wx', flush: true });
    await link(temporary, file).catch((error: unknown) => {
      if (['EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) throw error;
      // A file system without links.
      return copyFile(temporary, file, constants.COPYFILE_EXCL);
    });
    return 'written';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'taken';
    if (codeOf(error) === 'ENOENT') return 'lost';
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function asStructdbError(cause: unknown, directory: string): unknown {
  if (cause instanceof StructdbError || codeOf(cause) === undefined) return cause;
  const code = codeOf(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StructdbError('DISK_FULL', `No space is left to write into ${directory}.`, {
      cause,
      hint: 'Free space, then run the command again.',
    });
  }
  const message =
    code === 'EEXIST' || code === 'ENOTDIR'
      ? `${directory} is a file, or lies below one: it cannot be a folder of migrations.`
      : `Cannot write into the folder of migrations ${directory}: ${messageOf(cause)}.`;
  return new StructdbError('FILE_UNREADABLE', message, {
    cause,
    hint: 'Check its owner and permissions, or name another: --migrations-dir',
  });
}
