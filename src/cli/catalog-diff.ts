import type { Command } from 'commander';
import type { DiffResult, NamedRow, UnitSystem } from '../catalog/index.ts';
import { EXIT } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import { oneFormat, pick, unitSystemOption, wholeNumber } from './catalog-search.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface DiffFlags {
  readonly standard?: string;
  readonly unitSystem?: UnitSystem;
  readonly variant?: string;
  readonly type?: string;
  readonly column?: string;
  readonly limit?: number;
  readonly csv?: boolean;
}

/** `structdb catalog diff`. */
export function diffCommand(shell: Shell): Command {
  return shell.command<DiffFlags>({
    name: 'diff <from> <to>',
    summary: 'what one edition added, dropped and changed against another',
    details:
      'Rows are matched by designation and compared as numbers; the screen shows the first of each kind, --csv and --json all.\n' +
      'A difference is no failure: the exit code is 0.',
    example: 'structdb catalog diff v15.0 v16.0 --type W --column Zx',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) =>
      void command
        .option('--standard <standard>', 'whose editions (AISC)')
        .addOption(unitSystemOption('the one unit system of the comparison (US)'))
        .option('--variant <variant>', 'another table of shapes than the main one (A1085)')
        .option('--type <type>', 'only shapes of this type (W)')
        .option('--column <field>', 'only changes of this field (Zx, flange_width)')
        .option('--limit <n>', 'show at most so many rows of each kind on the screen (10)', wholeNumber)
        .option('--csv', 'a CSV table of every difference on stdout'),
    run: async (session, [from, to], { csv, limit = 10, ...options }) => {
      if (csv && session.output.json) throw oneFormat();
      const [{ diffEditions, csvLine }, connection] = await Promise.all([
        import('../catalog/index.ts'),
        session.connection(),
      ]);
      const scope = pick(options, ['standard', 'unitSystem', 'variant', 'type', 'column']);
      const result = await diffEditions({ connection, from: String(from), to: String(to), ...scope }, session.context);
      const human = csv ? () => diffCsv(result, csvLine) : (style: Style) => renderDiff(result, limit, style);
      return { result, human };
    },
  });
}

function renderDiff(result: DiffResult, limit: number, style: Style): string {
  const { standard, from, to, unitSystem, variant, added, dropped, changed, unchanged, onlyIn } = result;
  const title = [standard, variant, `${from} → ${to}`].filter(Boolean).join(' ');
  return [
    `${style.bold(title)} ${style.dim(`${unitSystem} units`)}`,
    `  ${formatCount(added.length)} added, ${formatCount(dropped.length)} dropped, ${formatCount(changed.length)} changed, ${formatCount(unchanged)} unchanged`,
    ...(onlyIn.from.length > 0 ? [`  only ${from} has ${onlyIn.from.join(', ')}`] : []),
    ...(onlyIn.to.length > 0 ? [`  only ${to} has ${onlyIn.to.join(', ')}`] : []),
    ...summary(result).map((line) => (line === '' ? '' : `  ${line}`)),
    ...named('added', added, limit, style),
    ...named('dropped', dropped, limit, style),
    ...changes(result, limit, style),
  ].join('\n');
}

/** By type of shape, and by column. */
function summary({ added, dropped, changed }: DiffResult): string[] {
  const types = [...new Set([...added, ...dropped, ...changed].map(typeOf))].sort();
  const count = (rows: readonly NamedRow[], type: string) => {
    const found = rows.filter((row) => typeOf(row) === type).length;
    return found === 0 ? '' : formatCount(found);
  };
  const byType = types.map((type) => [type, count(added, type), count(dropped, type), count(changed, type)]);
  const columns = Map.groupBy(
    changed.flatMap((row) => row.changes),
    ({ column }) => column,
  );
  const byColumn = [...columns]
    .toSorted(([a, left], [b, right]) => right.length - left.length || (a < b ? -1 : 1))
    .map(([column, list]) => `${column} ${formatCount(list.length)}`);
  return [
    ...(byType.length > 0 ? ['', ...alignColumns([['', 'added', 'dropped', 'changed'], ...byType], [1, 2, 3])] : []),
    ...(byColumn.length > 0 ? ['', `changed values: ${byColumn.join(', ')}`] : []),
  ];
}

function typeOf({ shapeType }: NamedRow): string {
  return shapeType ?? '–';
}

function named(what: string, rows: readonly NamedRow[], limit: number, style: Style): string[] {
  if (rows.length === 0) return [];
  const names = rows.slice(0, limit).map(nameOf).join(', ');
  return ['', `${style.bold(what)} ${names}${rest(rows.length, limit)}`];
}

/** A grade is told from others of its name by its variant. */
function nameOf({ designation, variant, shapeType }: NamedRow): string {
  return shapeType === null && variant !== '' ? `${designation} ${variant}` : designation;
}

function changes({ changed, from, to }: DiffResult, limit: number, style: Style): string[] {
  if (changed.length === 0) return [];
  const shown = changed.slice(0, limit);
  const table = shown.flatMap((row) =>
    row.changes.map(({ column, unit, from: before, to: after }, at) => {
      const withUnit = (value: string | null) => (value === null ? '–' : [value, unit].filter(Boolean).join(' '));
      return [at === 0 ? nameOf(row) : '', column, withUnit(before), withUnit(after)];
    }),
  );
  const lines = alignColumns([['', '', from, to], ...table], []);
  return ['', style.bold('changed'), style.dim(lines[0]!), ...lines.slice(1), ...more(changed.length, limit, style)];
}

function more(count: number, limit: number, style: Style): string[] {
  return count > limit ? [style.dim(`and ${formatCount(count - limit)} more rows (--limit, --csv)`)] : [];
}

function rest(count: number, limit: number): string {
  return count > limit ? ` and ${formatCount(count - limit)} more` : '';
}

/** A line for each row that was added or dropped, and for each value that changed. */
function diffCsv(result: DiffResult, csvLine: (cells: readonly string[]) => string): string {
  const keys = ({ shapeType, designation, variant }: NamedRow) => [shapeType ?? '', designation, variant];
  const lines = [
    ['change', 'shape_type', 'designation', 'variant', 'column', 'unit', result.from, result.to],
    ...result.added.map((row) => ['added', ...keys(row), '', '', '', '']),
    ...result.dropped.map((row) => ['dropped', ...keys(row), '', '', '', '']),
    ...result.changed.flatMap((row) =>
      row.changes.map(({ column, unit, from, to }) => ['changed', ...keys(row), column, unit, from ?? '', to ?? '']),
    ),
  ];
  return `${lines.map(csvLine).join('\n')}\n`;
}
