import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsDirectory, shownFrom } from './migrate-common.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';

interface CreateFlags extends MigrationsFlags {
  readonly sql?: boolean;
  readonly template?: string;
}

/** `structdb migrate create <name>`: a file to fill in. */
export function createCommand(shell: Shell): Command {
  return shell.command<CreateFlags>({
    name: 'create <name>',
    summary: 'Write a new migration from a template, numbered after the last one of the folder',
    details:
      'In TypeScript without --sql or --template. Without --migrations-dir and migrations.directory of the configuration the folder is migrations/ of the project. Prints the path.',
    example: 'structdb migrate create "add rooms" --migrations-dir migrations',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
    configure: (command) =>
      addMigrationsDir(command)
        .option('--sql', 'in SQL, with the sections -- migrate:up and -- migrate:down')
        .option('--template <file>', 'from this file; {{number}} and {{name}} in it are those of the new migration'),
    run: async (session, [name], { sql = false, template, ...flags }) => {
      if (sql && template !== undefined && path.extname(template) !== '.sql') {
        throw new StructdbError('USAGE', `--sql and the template ${template} do not go together.`, {
          hint: 'The new migration has the extension of the template: give --template alone.',
        });
      }
      const { createMigration } = await import('../migrate/index.ts');
      const named = await migrationsDirectory(session, flags);
      const directory = named ?? shownFrom(session, path.join(session.project.root, 'migrations'));
      const result = await createMigration(
        {
          directory,
          name: name as string,
          ...(sql ? { language: 'sql' as const } : {}),
          ...(template === undefined ? {} : { template }),
        },
        session.context,
      );
      if (named === undefined) await tellHowToUse(session, directory);
      return { result, human: () => result.file };
    },
  });
}

/** Nobody named the folder, so no other command looks into it: they take the migrations that ship. */
async function tellHowToUse({ context }: Session, directory: string): Promise<void> {
  const { migrationNames, registry } = await import('../migrate/index.ts');
  const names = new Set(migrationNames(directory));
  const areOurs = Object.keys(registry).every((name) => names.has(name));
  context.report({
    kind: 'notice',
    message: areOurs
      ? 'The migrations that ship are those of src/migrate/registry.ts, and this one is not among them yet.'
      : 'The other commands still take the migrations that ship.',
    hint: areOurs
      ? `Import it there; until then: --migrations-dir ${directory}`
      : `To use this folder: --migrations-dir ${directory}, or in structdb.config.ts: migrations: { directory: 'migrations' }`,
  });
}
