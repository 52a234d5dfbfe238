import { describeProblem } from '../catalog/describe-problem.ts';
import type {
  Changes,
  FileReport,
  ImportCounts,
  ImportRecord,
  ImportResult,
  ListResult,
  RetirementGroup,
  ShowResult,
  StoredMaterial,
  UnitSystem,
} from '../catalog/index.ts';
import { formatCount } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import { renderOrigins } from './catalog-history.ts';
import { describeClosed, renderReleases, renderVersions } from './catalog-version-text.ts';
import type { Style } from './output.ts';

/** What `catalog import` prints: a line per file, and whether anything changed. */
export function renderImport(
  result: ImportResult,
  describeGroup: (group: RetirementGroup) => string,
  style: Style,
): string {
  const lines = result.files.flatMap((file) => {
    const rejected = new Map(file.problems.map((problem) => [problem.line, problem]));
    return [
      `${style.bold(file.file)} ${style.dim(describeFile(file))}`,
      ...file.notes.map((note) => `  ${style.dim(note)}`),
      `  ${describeCounts(file)}`,
      ...[...rejected.values()].slice(0, 20).map((problem) => {
        return `  ${style.yellow('rejected')} line ${problem.line}: ${describeProblem(problem)}`;
      }),
      ...(rejected.size > 20
        ? [`  ${style.dim(`and ${rejected.size - 20} more rejected rows (--json lists all)`)}`]
        : []),
      ...(file.changes ? describeChanges(file.changes, file, style) : []),
      ...(file.rejectedTo === null
        ? []
        : [`  The rejected rows are in ${file.rejectedTo}, what is wrong with them in ${file.rejectedTo}.reasons`]),
      ...(file.retirement ?? []).map((group) => {
        const question = group.asks && result.dryRun ? ': more than 5 %, an import would ask' : '';
        return `  ${style.yellow('retired')} of ${describeGroup(group)}${question}`;
      }),
      ...file.warnings.slice(0, 20).map((problem) => {
        return `  ${style.yellow('odd')} line ${problem.line}: ${describeProblem(problem)}`;
      }),
      ...(file.warnings.length > 20
        ? [`  ${style.dim(`and ${formatCount(file.warnings.length - 20)} more odd values (--json lists all)`)}`]
        : []),
      ...describeClosed(file.closed ?? [], style),
    ];
  });
  return [...lines, verdict(result, style)].join('\n');
}

/** The first rows of each kind, with old and new values. */
function describeChanges(changes: Changes, counts: ImportCounts, style: Style): string[] {
  return (['inserted', 'updated', 'retired'] as const).flatMap((kind) => {
    const rows = changes[kind].slice(0, MOST_ROWS_SHOWN).map(({ row, values }) => {
      const shown = values.slice(0, 4).map(({ name, before, after }) => `${name} ${before ?? '–'} → ${after ?? '–'}`);
      const more = values.length > shown.length ? `, and ${values.length - shown.length} more` : '';
      return `    ${kind} ${row}${kind === 'updated' ? `: ${shown.join(', ')}${more}` : ''}`;
    });
    const left = counts[kind] - rows.length;
    return [...rows, ...(left > 0 ? [style.dim(`    and ${formatCount(left)} more ${kind}`)] : [])];
  });
}

const MOST_ROWS_SHOWN = 10;

/** `AISC v16.0 in US and SI units, AISC's shapes database, windows-1252`: what is as it mostly is goes without saying. */
function describeFile({ editions, format, encoding, delimiter, sheet }: FileReport): string {
  const names = new Set(editions.map(nameOfEdition));
  const systems = new Set(editions.flatMap(({ unitSystem }) => unitSystem ?? []));
  const units = systems.size === 0 ? '' : ` in ${[...systems].join(' and ')} units`;
  return [
    `${names.size === 1 ? [...names][0]! : `${names.size} editions`}${units}`,
    format,
    ...(sheet === null ? [] : [`sheet "${sheet}"`]),
    ...(encoding === null || encoding === 'utf-8' ? [] : [encoding]),
    ...(delimiter === ';' ? ['semicolons'] : delimiter === '\t' ? ['tabs'] : []),
  ].join(', ');
}

/** `AISC v16.0`, `AISC v16.0 A1085`. */
export function nameOfEdition(edition: {
  readonly standard: string;
  readonly edition: string;
  readonly variant: string | null;
}) {
  return [edition.standard, edition.edition, edition.variant].filter(Boolean).join(' ');
}

function verdict({ dryRun, changed, totals }: ImportResult, style: Style): string {
  if (!changed)
    return `${style.green('✓')} Nothing ${dryRun ? 'would change' : 'changed'}: ${formatCount(totals.unchanged)} rows are as they were.`;
  return `${style.green('✓')} ${dryRun ? 'Would be' : 'Done'}: ${describeCounts(totals)}`;
}

function describeCounts({ inserted, updated, unchanged, retired, rejected }: ImportCounts): string {
  const counts = { inserted, updated, unchanged, retired, rejected };
  return Object.entries(counts)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ');
}

/** What `catalog list` prints: a line per edition and kind. */
export function renderList({ editions, rows, releases }: ListResult, style: Style): string {
  if (editions.length === 0 && releases.length === 0) return 'No catalog is imported yet. Run: structdb catalog import';
  const table = editions.map(({ standard, edition, kind, unitSystem, variant, rows: count, retired }) => [
    standard,
    [edition, variant].filter(Boolean).join(' '),
    kind,
    unitSystem ?? '',
    formatCount(count),
    retired > 0 ? `${formatCount(retired)} retired` : '',
  ]);
  const header = ['standard', 'edition', 'kind', 'units', 'rows', ''];
  const lines = alignColumns([header, ...table], [4]);
  return [
    style.dim(lines[0]!),
    ...lines.slice(1),
    `${formatCount(rows)} rows in use`,
    ...(releases.length > 0 ? ['', renderReleases(releases, style)] : []),
  ].join('\n');
}

/** What `catalog show` prints: a block per material, with its unit systems side by side. */
export function renderShow(
  { rows, versions, imports }: ShowResult,
  unitOf: (name: string, system: UnitSystem) => string,
  style: Style,
): string {
  const blocks = Map.groupBy(rows, ({ standard, edition, variant, designation, values, unitSystem }) => {
    const name = unitSystem === 'SI' ? (values.counterpart ?? designation) : designation;
    return [standard, edition, name, variant].join('\u0000');
  });
  return [
    ...[...blocks.values()].map((block) => renderBlock(block, imports, unitOf, style)),
    ...(versions.length > 0 ? [renderVersions(versions, imports, style)] : []),
  ].join('\n\n');
}

function renderBlock(
  block: readonly StoredMaterial[],
  imports: readonly ImportRecord[],
  unitOf: (name: string, system: UnitSystem) => string,
  style: Style,
): string {
  const retired = block.find((row) => row.retiredAt !== null)?.retiredAt;
  const names = [...new Set(block.flatMap((row) => Object.keys(row.values)))].filter((name) => name !== 'counterpart');
  const [numbers, words] = [true, false].map((wanted) =>
    names.filter((name) => block.every((row) => isNumber(row.values[name] ?? '0')) === wanted),
  ) as [string[], string[]];
  const lines = numbers.map((name) => [
    name,
    ...block.flatMap((row) => [grouped(row.values[name] ?? ''), unitOf(name, row.unitSystem)]),
  ]);
  const right = block.map((_, index) => 1 + index * 2);
  return [
    titleOf(block, style),
    ...(retired ? [style.yellow(`retired ${retired}: no longer in the whole table`)] : []),
    ...alignColumns(lines, right).map((line) => `  ${line}`),
    ...words.map((name) => `  ${name}: ${block[0]!.values[name] ?? ''}`),
    ...originsOfBlock(block, imports, style),
  ].join('\n');
}

/** The two unit systems of a shape nearly always come from one file: where they do not, each has lines of its own. */
function originsOfBlock(block: readonly StoredMaterial[], imports: readonly ImportRecord[], style: Style): string[] {
  const lines = block.map((row) => renderOrigins(row.origins, imports, style));
  if (lines.every((some) => some.join() === lines[0]!.join())) return lines[0]!;
  return block.flatMap(({ unitSystem }, at) => [style.dim(`  ${unitSystem}`), ...lines[at]!]);
}

/** `W14X90 · W360X134  W, AISC v16.0`, `ASTM A500 C  HSS round, edition 21`. */
function titleOf(block: readonly StoredMaterial[], style: Style): string {
  const { standard, edition, designation, kind, shapeType, productForm, variant } = block[0]!;
  if (kind !== 'shape') {
    const details = [productForm, `edition ${edition}`].filter(Boolean).join(', ');
    return `${style.bold(`${standard} ${designation}`)} ${style.dim(details)}`;
  }
  const names = new Set(block.flatMap((row) => [row.designation, row.manualLabel ?? row.designation]));
  return `${style.bold([...names].join(' · '))} ${style.dim(`${shapeType ?? kind}, ${nameOfEdition({ standard, edition, variant })}`)}`;
}

/** `416000000` → `416,000,000`: inertias in mm⁴ have up to twelve digits. `--json` has them plain. */
function grouped(number: string): string {
  const [whole = '', fraction] = number.split('.');
  const groups = whole.replace(/(?<=\d)(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}
