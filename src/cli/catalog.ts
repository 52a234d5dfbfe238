import type { Command } from 'commander';
import type { CatalogSource, ImportResult, ListResult, ShowResult } from '../catalog/index.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { diffCommand } from './catalog-diff.ts';
import { exportCommand } from './catalog-export.ts';
import { historyCommand } from './catalog-history.ts';
import { addReadingOptions, given, READING_FLAGS, type ReadingFlags } from './catalog-reading-flags.ts';
import { searchCommand } from './catalog-search.ts';
import { renderImport, renderList, renderShow } from './catalog-text.ts';
import { verifyCommand } from './catalog-verify.ts';
import { keepMemorySmall } from './memory.ts';
import type { Shell } from './shell.ts';

/** `structdb catalog import|list|search|diff|export|show|history|verify`. */
export function catalogCommand(shell: Shell): Command {
  return shell.group('catalog', 'reference data: AISC shapes, ASTM grades, code references, constants, prices', [
    importCommand(shell),
    listCommand(shell),
    searchCommand(shell),
    diffCommand(shell),
    exportCommand(shell),
    showCommand(shell),
    historyCommand(shell),
    verifyCommand(shell),
  ]);
}

interface ImportFlags extends ReadingFlags {
  readonly rejected?: string;
  readonly force?: boolean;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly stdinName?: string;
}

function importCommand(shell: Shell): Command {
  return shell.command<ImportFlags>({
    name: 'import [files...]',
    summary: 'import files, directories or standard input (-); without any, the catalogs that ship',
    details:
      'All files are checked first and loaded in one transaction: everything is imported or nothing.\n' +
      'Rows that a whole table no longer has are retired, not deleted; above 5 % of the table it asks.',
    example: 'structdb catalog import aisc-shapes-database-v16.0.csv',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted],
    connects: true,
    destructive: true,
    configure: (command) =>
      void addReadingOptions(
        command
          .option('--complete', 'the files hold every row of their editions: retire what they lack')
          .option('--skip-bad-rows', 'import the good rows of a file that has bad ones')
          .option('--rejected <file>', 'do so, and write the bad rows there, to be mended and imported again')
          .option('--force', 'overwrite the file of --rejected')
          .option('--strict', 'reject rows whose numbers look odd, too'),
      )
        .option('--stdin-name <name>', 'what standard input is called in messages and in the history')
        .option('--dry-run', 'only say what would change; write, lock and create nothing'),
    run: async (session, [files], options) => {
      keepMemorySmall();
      const { describeGroup, importCatalogs } = await import('../catalog/index.ts');
      const result: ImportResult = await importCatalogs(
        {
          connection: await session.connection(),
          files: sourcesOf(Array.isArray(files) ? files : [], options.stdinName),
          ...given(options, [...READING_FLAGS, 'rejected', 'force', 'strict', 'dryRun']),
          confirmRetirement: async (groups) => {
            await session.confirm({
              losses: groups.map(describeGroup),
              ask: 'Retire more than 5 % of a table, because the file lacks these rows?',
            });
            return true;
          },
        },
        session.context,
      );
      return { result, human: (style) => renderImport(result, describeGroup, style) };
    },
  });
}

/** A dash is standard input. @throws USAGE when nothing is piped into it, or it is named twice */
function sourcesOf(files: readonly string[], stdinName: string | undefined): CatalogSource[] {
  const dashes = files.filter((file) => file === '-').length;
  const problem =
    dashes > 1
      ? ['Standard input (-) is named twice, and can be read once.', 'Name it once.']
      : dashes === 0 && stdinName !== undefined
        ? ['--stdin-name names standard input, which is not read.', 'Add - to the files.']
        : dashes === 1 && process.stdin.isTTY
          ? ['Standard input (-) is a terminal.', 'Pipe a file into it: structdb catalog import - < shapes.csv']
          : undefined;
  if (problem) throw new StructdbError('USAGE', problem[0]!, { hint: problem[1]! });
  const stdin = { name: stdinName ?? 'standard input', stream: process.stdin };
  return files.map((file) => (file === '-' ? stdin : file));
}

function listCommand(shell: Shell): Command {
  return shell.command({
    name: 'list',
    summary: 'the editions in the database and their rows',
    example: 'structdb catalog list',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    run: async (session) => {
      const { listCatalogs } = await import('../catalog/index.ts');
      const result: ListResult = await listCatalogs({ connection: await session.connection() }, session.context);
      return { result, human: (style) => renderList(result, style) };
    },
  });
}

function showCommand(shell: Shell): Command {
  return shell.command<{ readonly edition?: string; readonly asOf?: string }>({
    name: 'show <designation>',
    summary: 'one shape or grade in both unit systems, one constant or price in all versions',
    details:
      'Finds EDI names, names of the Manual and metric names in any case, and grades (A992, "A500 Gr B"),\n' +
      'and calibration constants by name and prices by item code, with the version in force today (UTC) marked.',
    example: 'structdb catalog show W14X90',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) =>
      void command
        .option('--edition <edition>', 'only this edition (v16.0), or this version of a constant or price')
        .option('--as-of <date>', 'the version of a constant or price in force on that day (2026-12-31)'),
    run: async (session, [designation], { edition, asOf }) => {
      const [{ showDesignation, unitOf }, connection] = await Promise.all([
        import('../catalog/index.ts'),
        session.connection(),
      ]);
      const name = String(designation);
      const result: ShowResult = await showDesignation(
        {
          connection,
          designation: name,
          ...(edition === undefined ? {} : { edition }),
          ...(asOf === undefined ? {} : { asOf }),
        },
        session.context,
      );
      return { result, human: (style) => renderShow(result, unitOf, style) };
    },
  });
}
