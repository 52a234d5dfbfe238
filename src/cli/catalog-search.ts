import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SearchResult, UnitSystem } from '../catalog/index.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface SearchFlags {
  readonly unitSystem?: UnitSystem;
  readonly edition?: string;
  readonly variant?: string;
  readonly retired?: boolean;
  readonly sort?: readonly string[];
  readonly limit?: number;
  readonly columns?: readonly string[];
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** `structdb catalog search`. */
export function searchCommand(shell: Shell): Command {
  return shell.command<SearchFlags>({
    name: 'search <filter>',
    summary: 'shapes and grades by their properties, in one unit system',
    details:
      'A filter is terms with commas between them, all of which must hold: a type (W, W|S), a name (W14*), or a comparison\n' +
      '(Zx >= 200, d = 12..14, Fy >= 345 MPa). docs/catalog-search.md describes the language and its fields.',
    example: 'structdb catalog search "W, Zx >= 200, d <= 24" --sort weight --limit 10',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) =>
      void command
        .addOption(unitSystemOption('the one unit system of the search (US)'))
        .option('--edition <edition>', 'this edition instead of the newest of each standard (v15.0)')
        .option('--variant <variant>', 'another table of shapes than the main one (A1085)')
        .option('--retired', 'also rows that their whole table no longer has')
        .option('--sort <fields>', 'by these fields, - before one for the greatest first (weight,-Zx)', list)
        .option('--limit <n>', 'at most so many rows (20)', wholeNumber)
        .option('--columns <fields>', 'show these fields (weight,d,bf,tw)', list)
        .option('--csv', 'a CSV table on stdout'),
    run: async (session, [filter], { csv, ...options }) => {
      if (csv && session.output.json) throw oneFormat();
      const [catalog, connection] = await Promise.all([import('../catalog/index.ts'), session.connection()]);
      const criteria = pick(options, ['unitSystem', 'edition', 'variant', 'retired', 'sort', 'limit', 'columns']);
      const result = await catalog.searchCatalog({ connection, filter: String(filter), ...criteria }, session.context);
      const { cellOf, csvLine } = catalog;
      const human = csv
        ? () => searchCsv(result, cellOf, csvLine)
        : (style: Style) => renderSearch(result, cellOf, style);
      return { result, human };
    },
  });
}

/** Those of the flags that were given. */
export function pick<Flags extends object, Name extends keyof Flags>(flags: Flags, names: readonly Name[]) {
  const given = names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]);
  return Object.fromEntries(given) as { [Key in Name]?: Exclude<Flags[Key], undefined> };
}

export function unitSystemOption(meaning: string): Option {
  return new Option('--unit-system <system>', meaning).choices(['US', 'SI']);
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return Number(text);
}

export function oneFormat(): StructdbError {
  return new StructdbError('USAGE', '--csv and --json each want all of stdout.', { hint: 'Leave one of them out.' });
}

function list(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

type CellOf = typeof import('../catalog/index.ts').cellOf;

function renderSearch(result: SearchResult, cellOf: CellOf, style: Style): string {
  const { rows, columns, units, total, unitSystem } = result;
  if (rows.length === 0) return `Nothing fits "${result.filter}" (${unitSystem} units).`;
  const table = rows.map((row) => [
    row.manualLabel !== null && row.manualLabel.toUpperCase() !== row.designation
      ? `${row.designation} (${row.manualLabel})`
      : row.designation,
    ...columns.flatMap((name) => {
      const cell = cellOf(row, name);
      return [cell, cell === '' ? '' : (units[name] ?? '')];
    }),
    `${row.standard} ${[row.edition, row.kind === 'shape' ? row.variant : ''].filter(Boolean).join(' ')}`,
    row.retiredAt === null ? '' : `retired ${row.retiredAt.slice(0, 10)}`,
  ]);
  const header = ['', ...columns.flatMap((name) => [name, '']), ''];
  const numbers = columns.flatMap((name, at) =>
    rows.every((row) => /^(-?\d+(\.\d+)?)?$/.test(cellOf(row, name))) ? [1 + at * 2] : [],
  );
  const [first, ...lines] = alignColumns([header, ...table], numbers);
  const more = total - rows.length;
  return [
    style.dim(first!),
    ...lines,
    style.dim(
      `${formatCount(total)} ${total === 1 ? 'row fits' : 'rows fit'}${more > 0 ? `, ${formatCount(more)} more than shown (--limit)` : ''}`,
    ),
  ].join('\n');
}

/** The unit of a column stands in its header. */
function searchCsv(
  { rows, columns, units }: SearchResult,
  cellOf: CellOf,
  csvLine: (cells: readonly string[]) => string,
): string {
  const named = columns.map((name) => (units[name] ? `${name} [${units[name]}]` : name));
  const header = ['standard', 'edition', 'designation', ...named];
  const lines = rows.map((row) => [
    row.standard,
    row.edition,
    row.designation,
    ...columns.map((name) => cellOf(row, name)),
  ]);
  return `${[header, ...lines].map(csvLine).join('\n')}\n`;
}
