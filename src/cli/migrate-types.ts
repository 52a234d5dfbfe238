import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import type { TypesResult } from '../migrate/index.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface TypesFlags {
  readonly out?: string;
  readonly check?: boolean;
}

/** `structdb migrate types`: the Kysely interface of the database as it is. */
export function typesCommand(shell: Shell): Command {
  return shell.command<TypesFlags>({
    name: 'types',
    summary: 'Print the Kysely Database interface of the live schema, or keep it in a file',
    details: 'Needs the npm package kysely-codegen. Tables and views of schema public.',
    example: 'structdb migrate types --out src/database.ts',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    waits: true,
    configure: (command) =>
      command
        .option('--out <file>', 'write them there instead of printing them')
        .option('--check', 'write nothing; exit 4 when the file of --out is not what would be written'),
    run: async (session, _args, { out, check = false }) => {
      if (check && out === undefined) {
        throw new StructdbError('USAGE', '--check needs the file to compare with.', {
          hint: 'Run: structdb migrate types --check --out <file>',
        });
      }
      const { judgeTypes, types } = await import('../migrate/index.ts');
      const file = out === undefined ? {} : { file: path.resolve(session.environment.workingDirectory, out) };
      const result = await types({ connection: await session.connection(), ...file, check }, session.context);
      return { result, human: (style) => renderTypes(result, style), verdict: judgeTypes(result) };
    },
  });
}

function renderTypes({ state, tables, file, text }: TypesResult, style: Style): string {
  const what = `${tables.length} ${tables.length === 1 ? 'table or view' : 'tables and views'}`;
  switch (state) {
    case 'printed':
      return text;
    case 'written':
      return `${style.green('✓')} ${file} written: ${what}.`;
    case 'unchanged':
    case 'current':
      return `Up to date: ${file} has the ${what} of the database.`;
    case 'stale':
      return '';
  }
}
