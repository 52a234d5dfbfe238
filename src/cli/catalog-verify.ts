import { type Command, Option } from 'commander';
import type { ImportRecord, RowDifference, UnitSystem, VerifiedFile, VerifyResult } from '../catalog/index.ts';
import { ENCODINGS, type Encoding } from '../catalog/reading/encodings.ts';
import { EXIT } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import { describeOrigin } from './catalog-history.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface VerifyFlags {
  readonly complete?: boolean;
  readonly skipBadRows?: boolean;
  readonly edition?: string;
  readonly unitSystem?: UnitSystem;
  readonly encoding?: Encoding;
  readonly sheet?: string;
}

/** `structdb catalog verify` */
export function verifyCommand(shell: Shell) {
  return shell.command<VerifyFlags>({
    name: 'verify [files...]',
    summary: 'read files again and compare each value with the database; without any, the catalogs that ship',
    details:
      'Rows that differ, are missing, are retired, or are extra to a whole table are named with both values, and with\nthe import behind what is stored. Nothing is changed. Exit 4 on a difference.',
    example: 'structdb catalog verify aisc-shapes-database-v16.0.csv',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    configure: (command: Command) =>
      void command
        .option('--complete', 'the files hold every row of their editions: name what is in use besides')
        .option('--skip-bad-rows', 'compare the good rows of a file that has bad ones')
        .option('--edition <edition>', 'the edition of an AISC file that does not prove it (v16.0)')
        .addOption(
          new Option('--unit-system <system>', 'the units of an AISC file that does not prove them').choices([
            'US',
            'SI',
          ]),
        )
        .addOption(
          new Option('--encoding <name>', 'the encoding of a text file that does not prove it').choices(ENCODINGS),
        )
        .option('--sheet <name>', 'the sheet of a workbook that has several tables'),
    run: async (session, [files], options) => {
      const { judgeVerifiedCatalogs, verifyCatalogs } = await import('../catalog/index.ts');
      const { complete, skipBadRows, edition, unitSystem, encoding, sheet } = options;
      const result = await verifyCatalogs(
        {
          connection: await session.connection(),
          files: Array.isArray(files) ? files : [],
          ...(complete === undefined ? {} : { complete }),
          ...(skipBadRows === undefined ? {} : { skipBadRows }),
          ...(edition === undefined ? {} : { edition }),
          ...(unitSystem === undefined ? {} : { unitSystem }),
          ...(encoding === undefined ? {} : { encoding }),
          ...(sheet === undefined ? {} : { sheet }),
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
