import { InvalidArgumentError } from 'commander';
import type { ImportRecord, Origin } from '../catalog/index.ts';
import { EXIT } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { formatCount } from '../core/units.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb catalog history` */
export function historyCommand(shell: Shell) {
  return shell.command<{ readonly limit?: number }>({
    name: 'history',
    summary: 'the imports, newest first: file, hashes, who, when, and what each changed',
    example: 'structdb catalog history --limit 5',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) => void command.option('--limit <n>', 'at most so many imports (20)', wholeNumber),
    run: async (session, _args, { limit }) => {
      const { listImports } = await import('../catalog/index.ts');
      const connection = await session.connection();
      const result = await listImports({ connection, ...(limit === undefined ? {} : { limit }) }, session.context);
      return { result, human: (style) => renderHistory(result.imports, style) };
    },
  });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.');
  return Number(text);
}

function renderHistory(imports: readonly ImportRecord[], style: Style): string {
  if (imports.length === 0) return 'No import is recorded.';
  return imports
    .map((one) => {
      const counts = (['inserted', 'updated', 'unchanged', 'retired', 'rejected'] as const)
        .map((name) => `${formatCount(one[name])} ${name}`)
        .join(', ');
      const tool = one.toolVersion === null ? '' : `, structdb ${one.toolVersion}`;
      const encoding = one.encoding === null ? '' : `, ${one.encoding}`;
      return [
        `${style.bold(`${one.id}  ${one.file}`)} ${style.dim(`${formatInstant(one.at)} by ${one.by}${tool}`)}`,
        `  ${one.format}${encoding}: ${editionsOf(one)}`,
        `  ${counts}`,
        `  bytes ${one.sha256}`,
        `  content ${one.contentSha256 ?? 'not computed'}`,
      ].join('\n');
    })
    .join('\n');
}

function editionsOf({ editions }: ImportRecord): string {
  const names = editions.map(({ standard, edition, unitSystem, variant }) =>
    [standard, edition, unitSystem, variant].filter(Boolean).join(' '),
  );
  return names.length > 4 ? `${names.length} editions` : names.join(', ');
}

/** Where the values of a block come from, one line per origin, that of the most values last and without their names. */
export function renderOrigins(
  origins: Readonly<Record<string, Origin>>,
  imports: readonly ImportRecord[],
  style: Style,
): string[] {
  const byOrigin = [...Map.groupBy(Object.keys(origins), (name) => origins[name]!)].toSorted(
    ([, a], [, b]) => a.length - b.length,
  );
  return byOrigin.map(([origin, names], at) => {
    const isLast = at === byOrigin.length - 1;
    const which = isLast ? (at === 0 ? '' : 'all other values: ') : `${names.join(', ')}: `;
    return style.dim(`  ${which}${describeOrigin(origin, imports)}`);
  });
}

/** `import 3, shapes.csv (SHA-256 047683fe…), 2026-11-29 by bob`. */
export function describeOrigin(origin: Origin, imports: readonly ImportRecord[]): string {
  if (origin === null) return 'origin not recorded: stored by hand, or before structdb kept records';
  if (typeof origin === 'string') return `from ${origin}`;
  const one = imports.find(({ id }) => id === origin);
  if (one === undefined) return `from import ${origin}`;
  return `from import ${one.id}, ${one.file} (SHA-256 ${one.sha256.slice(0, 8)}…), ${one.at.slice(0, 10)} by ${one.by}`;
}
