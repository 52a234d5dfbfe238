import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import type { LintFinding, LintResult } from '../migrate/index.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface LintFlags extends MigrationsFlags {
  readonly database?: boolean;
  readonly url?: string;
  readonly wait?: string | true;
  readonly large?: string;
}

/** `structdb migrate lint`: what would hurt in production, found before it gets there. */
export function lintCommand(shell: Shell): Command {
  return shell.command<LintFlags>({
    name: 'lint [names...]',
    summary: 'Find what is unsafe in the migrations, with the rules of squawk and of structdb',
    details:
      'With --database, --url or --wait: the migrations that would run there, with the sizes of its tables. Errors exit 4, warnings do not.',
    example: 'structdb migrate lint --database',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    waits: true,
    configure: (command) =>
      addMigrationsDir(command)
        .option('--database', 'only what would run in the database, with the sizes of its tables')
        .option('--large <rows>', 'from how many rows on a table is large (default: 100000)'),
    run: async (session, [names], { database, url, wait, large, ...flags }) => {
      const { judgeLint, lint } = await import('../migrate/index.ts');
      const connects = database || url !== undefined || wait !== undefined;
      const result = await lint(
        {
          registry: await migrationsOf(session, flags),
          names: (names as string[] | undefined) ?? [],
          ...(connects ? { connection: await session.connection() } : {}),
          ...(large === undefined ? {} : { largeRows: rowsOf(large) }),
        },
        session.context,
      );
      return { result, human: (style) => renderLint(result, style), verdict: judgeLint(result) };
    },
  });
}

function rowsOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new StructdbError('USAGE', `--large "${text}" is not a number of rows.`, {
    hint: 'Give a whole number from 1, for instance --large 1000000.',
  });
}

function renderLint({ migrations, findings, suppressed, errors, warnings }: LintResult, style: Style): string {
  const lines = findings.flatMap((finding) => renderFinding(finding, style));
  const ignored = suppressed.length > 0 ? `, ${suppressed.length} ignored with a reason` : '';
  const looked = migrations.length === 1 ? '1 migration' : `${migrations.length} migrations`;
  lines.push(`${looked}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}${ignored}.`);
  return lines.join('\n');
}

function renderFinding({ migration, statement, level, rule, message, help, sql }: LintFinding, style: Style): string[] {
  const mark = level === 'error' ? style.red('✗') : style.yellow('!');
  const where = statement === null ? migration : `${migration}, statement ${statement}`;
  return [
    `${mark} ${style.bold(where)}: ${rule}`,
    ...(sql === null ? [] : [`    ${style.dim(sql)}`]),
    `    ${message}`,
    ...(help === null ? [] : [`  ${style.cyan('→')} ${help}`]),
  ];
}

function counted(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
}
