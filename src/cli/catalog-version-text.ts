import type { ClosedRange, ImportRecord, StoredRelease, StoredVersion } from '../catalog/index.ts';
import { formatCount } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import { describeOrigin } from './catalog-history.ts';
import type { Style } from './output.ts';

/** Constants and prices that `catalog show` found: a block per name, a line per version. */
export function renderVersions(
  versions: readonly StoredVersion[],
  imports: readonly ImportRecord[],
  style: Style,
): string {
  const blocks = Map.groupBy(versions, ({ kind, name }) => `${kind} ${name}`);
  return [...blocks.values()].map((block) => renderBlock(block, imports, style)).join('\n\n');
}

function renderBlock(block: readonly StoredVersion[], imports: readonly ImportRecord[], style: Style): string {
  const { kind, name, description } = block.at(-1)!;
  const lines = alignColumns(
    block.map((one) => [
      one.version,
      one.value,
      one.kind === 'price' ? `${one.currency}/${one.unit}` : one.unit,
      `from ${one.effectiveFrom}`,
      one.effectiveTo === null ? '' : `before ${one.effectiveTo}`,
      one.inForce ? 'in force' : '',
      one.source ?? '',
    ]),
    [1],
  );
  const what = kind === 'price' ? 'price' : `constant${description ? `: ${description}` : ''}`;
  return [
    `${style.bold(name)} ${style.dim(what)}`,
    ...lines.map((line, at) => (block[at]!.inForce ? `${style.green('•')} ${line}` : `  ${line}`)),
    ...block.map(({ version, origin }) => style.dim(`  ${version} ${describeOrigin(origin, imports)}`)),
  ].join('\n');
}

/** What `catalog list` says of constants and prices: a line per release. */
export function renderReleases(releases: readonly StoredRelease[], style: Style): string {
  const lines = alignColumns(
    [
      ['release', 'of', 'rows', 'in force'],
      ...releases.map(({ kind, version, rows, inForce }) => [
        version,
        kind === 'price' ? 'prices' : 'calibration constants',
        formatCount(rows),
        formatCount(inForce),
      ]),
    ],
    [2, 3],
  );
  return [style.dim(lines[0]!), ...lines.slice(1)].join('\n');
}

/** Ranges that an import closed: their number, and the first twenty. */
export function describeClosed(closed: readonly ClosedRange[], style: Style): string[] {
  if (closed.length === 0) return [];
  return [
    `  ${formatCount(closed.length)} ${closed.length === 1 ? 'range' : 'ranges'} closed by a new version:`,
    ...closed.slice(0, 20).map(({ name, version, at }) => `    ${name} ${version} ends before ${at}`),
    ...(closed.length > 20 ? [`    ${style.dim(`and ${closed.length - 20} more (--json lists all)`)}`] : []),
  ];
}
