import type { Command } from 'commander';
import type { ImportRecord, RowDifference, VerifiedFile, VerifyResult } from '../catalog/index.ts';
import { EXIT } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import { describeOrigin } from './catalog-history.ts';
import { addReadingOptions, given, READING_FLAGS, type ReadingFlags } from './catalog-reading-flags.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb catalog verify` */
export function verifyCommand(shell: Shell) {
  return shell.command<ReadingFlags>({
    name: 'verify [files...]',
    summary: 'read files again and compare each value with the database; without any, the catalogs that ship',
    details:
      'Rows that differ, are missing, are retired, or are extra to a whole table are named with both values, and with\nthe import behind what is stored. Nothing is changed. Exit 4 on a difference.',
    example: 'structdb catalog verify aisc-shapes-database-v16.0.csv',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    configure: (command: Command) =>
      void addReadingOptions(
        command
          .option('--complete', 'the files hold every row of their editions: name what is in use besides')
          .option('--skip-bad-rows', 'compare the good rows of a file that has bad ones'),
      ),
    run: async (session, [files], options) => {
      const { judgeVerifiedCatalogs, verifyCatalogs } = await import('../catalog/index.ts');
      const result = await verifyCatalogs(
        {
          connection: await session.connection(),
          files: Array.isArray(files) ? files : [],
          ...given(options, READING_FLAGS),
        },
        session.context,
      );
      return { result, human: (style) => renderVerify(result, style), verdict: judgeVerifiedCatalogs(result) };
    },
  });
}

/** So many differences of one file are shown; --json has all. */
const SHOWN = 50;

function renderVerify({ files, imports }: VerifyResult, style: Style): string {
  return files.flatMap((file) => linesOf(file, imports, style)).join('\n');
}

function linesOf(file: VerifiedFile, imports: readonly ImportRecord[], style: Style): string[] {
  const { differences, rows, rejected } = file;
  const mark = differences.length === 0 ? style.green('✓') : style.red('✗');
  const left = rejected > 0 ? `, ${formatCount(rejected)} bad rows not compared` : '';
  const extra = differences.filter(({ kind }) => kind === 'extra').length;
  const equal = rows - (differences.length - extra);
  return [
    `${mark} ${style.bold(file.file)} ${formatCount(equal)} of ${formatCount(rows)} rows are as the file has them${left}`,
    ...differences.slice(0, SHOWN).flatMap((one) => describe(one, imports, style)),
    ...(differences.length > SHOWN ? [`  and ${formatCount(differences.length - SHOWN)} more (--json lists all)`] : []),
  ];
}

function describe(one: RowDifference, imports: readonly ImportRecord[], style: Style): string[] {
  const what = {
    differs: '',
    missing: ' is not in the database',
    retired: ' is retired in the database',
    extra: ' is in the database and not in the file',
  }[one.kind];
  const why =
    one.changedByHandSince !== null
      ? `changed by hand since import ${one.changedByHandSince}`
      : one.importedBy !== null
        ? describeOrigin(one.importedBy, imports)
        : one.kind === 'missing'
          ? ''
          : 'by no import that is recorded';
  return [
    `  ${style.yellow(one.row)}${what}${why === '' ? '' : style.dim(` (${why})`)}`,
    ...one.values.map(
      ({ name, file, database }) =>
        `    ${name}: ${file ?? 'no value'} in the file, ${database ?? 'no value'} in the database`,
    ),
  ];
}
