import { open, rename, rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { ExportOptions, ExportResult, UnitSystem } from '../catalog/index.ts';
import { codeOf, EXIT, messageOf, StructdbError } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import { pick, unitSystemOption } from './catalog-search.ts';
import { write } from './output.ts';
import type { Shell } from './shell.ts';

interface ExportFlags {
  readonly standard?: string;
  readonly edition?: string;
  readonly unitSystem?: UnitSystem;
  readonly variant?: string;
  readonly kind?: 'shape' | 'material' | 'bolt';
  readonly references?: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

/** `structdb catalog export`. */
export function exportCommand(shell: Shell): Command {
  return shell.command<ExportFlags>({
    name: 'export',
    summary: "rows in use as a CSV file in structdb's own layout",
    details:
      'Importing the file gives the same rows. Without --output, and with "--output -", it goes to stdout.\n' +
      'Every edition, unit system and variant is exported unless one is chosen; retired rows are not.',
    example: 'structdb catalog export --standard AISC --edition v16.0 --output shapes.csv',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void command
        .option('--standard <standard>', 'only this standard (AISC)')
        .option('--edition <edition>', 'only this edition (v16.0)')
        .addOption(unitSystemOption('only rows of this unit system'))
        .option('--variant <variant>', "only this variant (A1085; '' is the main table of shapes)")
        .addOption(new Option('--kind <kind>', 'only rows of this kind').choices(['shape', 'material', 'bolt']))
        .option('--references', 'code references instead of shapes and grades')
        .option('--output <file>', 'write this file; one that is there is left alone')
        .option('--force', 'replace the file of --output when it is there'),
    run: async (session, _args, { output, force, ...options }) => {
      const toStdout = output === undefined || output === '-';
      if (toStdout && session.output.json) {
        throw new StructdbError('USAGE', '--json wants all of stdout, and so does the export.', {
          hint: 'Write a file: --output catalog.csv',
        });
      }
      const [{ exportCatalog }, connection] = await Promise.all([import('../catalog/index.ts'), session.connection()]);
      const chosen = pick(options, ['standard', 'edition', 'unitSystem', 'variant', 'kind', 'references']);
      const run = (write: ExportOptions['write']) => exportCatalog({ connection, write, ...chosen }, session.context);
      if (toStdout) {
        const result = await run((text) => write(process.stdout, text));
        session.context.report({ kind: 'notice', message: summary(result) });
        return { result, human: () => '' };
      }
      const result = { ...(await toFile(output, force ?? false, run)), file: output };
      return { result, human: (style) => `${style.green('✓')} ${output}: ${summary(result)}` };
    },
  });
}

function summary({ rows, contentSha256 }: ExportResult): string {
  return `${formatCount(rows)} rows, content ${contentSha256.slice(0, 16)}…`;
}

/** The file appears under its name only when it is whole; one that is there is replaced by --force alone. */
async function toFile(
  file: string,
  force: boolean,
  run: (write: ExportOptions['write']) => Promise<ExportResult>,
): Promise<ExportResult> {
  const written = force ? `${file}.${process.pid}.partial` : file;
  const handle = await open(written, 'wx').catch((cause: unknown) => {
    if (codeOf(cause) === 'EEXIST') {
      throw new StructdbError('FILE_UNREADABLE', `${written} is there already; it was left alone.`, {
        hint: 'Name another file, or replace it with --force.',
      });
    }
    throw new StructdbError('FILE_UNREADABLE', `Cannot write ${file}: ${messageOf(cause)}.`, {
      cause,
      hint: 'Check the folder and its permissions.',
    });
  });
  try {
    // Not write(), which may take a part of the text alone where the disk fills up.
    const result = await run((text) => handle.writeFile(text));
    await handle.sync();
    await handle.close();
    if (force) await rename(written, file);
    return result;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(written, { force: true });
    throw error;
  }
}
