import { formatCount, formatDuration } from '../../core/units.ts';
import type { PlanNode, PlanVariant } from './plan-record.ts';

/** Longer conditions are cut: a list of a thousand values tells nothing more. */
const LONGEST_DETAIL = 160;

/** A plan as an indented tree, one line per node, its conditions below it. */
export function renderPlan({ root, generic, planningMs, executionMs }: PlanVariant): string[] {
  return [
    ...planLines(root).flatMap(({ depth, head, details }) =>
      [head, ...details].map((line, place) => indent(depth, line, place)),
    ),
    `${generic ? 'prepared, one plan for all values; ' : ''}planned in ${formatDuration(planningMs)}, run in ${formatDuration(executionMs)}`,
  ];
}

export interface PlanLines {
  readonly node: PlanNode;
  readonly depth: number;
  /** The node with what it took. */
  readonly head: string;
  readonly details: readonly string[];
}

/** The nodes in the order of the tree, parents first. */
export function planLines(root: PlanNode, depth = 0): PlanLines[] {
  const details = Object.entries({ ...root.details, ...root.notes }).map(([key, text]) => `${key}: ${shorten(text)}`);
  return [
    { node: root, depth, head: `${titleOf(root)}  ${costOf(root)}`, details },
    ...root.inputs.flatMap((input) => planLines(input, depth + 1)),
  ];
}

/** `Index Scan Backward on projects p using projects_created_by_idx`. */
export function titleOf(node: PlanNode): string {
  const { type, relation, alias, index, join, strategy, partial, backward, parallel, role } = node;
  const name = [
    role ? `${role}:` : '',
    parallel ? 'Parallel' : '',
    partial ?? '',
    strategy ?? '',
    type,
    join && join !== 'Inner' ? join : '',
    backward ? 'Backward' : '',
  ];
  const place = [
    relation || alias ? `on ${relation ?? alias}` : '',
    relation && alias && alias !== relation ? alias : '',
    index ? (relation ? `using ${index}` : `on ${index}`) : '',
  ];
  return [...name, ...place].filter(Boolean).join(' ');
}

/** Lines of one node: the first hangs on the tree, the others are set in. */
export function indent(depth: number, line: string, place: number): string {
  const step = '  '.repeat(depth);
  if (place > 0) return `${step}${depth > 0 ? '   ' : '  '}  ${line}`;
  return depth > 0 ? `${step}└ ${line}` : line;
}

/** Rows and time are per loop, blocks of all loops: as EXPLAIN counts. */
function costOf({ rows, plannedRows, loops, ms, hits, reads }: PlanNode): string {
  if (loops === 0) return '(never executed)';
  const count = (value: number) => formatCount(Number.isInteger(value) ? value : Number(value.toFixed(2)));
  const parts = [
    `${count(rows)} ${rows === 1 ? 'row' : 'rows'}${Math.round(rows) === plannedRows ? '' : `, ${count(plannedRows)} planned`}`,
    formatDuration(ms),
    ...(loops === 1 ? [] : [`${formatCount(loops)} times`]),
    `${formatCount(hits + reads)} ${hits + reads === 1 ? 'block' : 'blocks'}${reads === 0 ? '' : `, ${formatCount(reads)} read`}`,
  ];
  return `(${parts.join(', ')})`;
}

function shorten(text: string): string {
  return text.length <= LONGEST_DETAIL ? text : `${text.slice(0, LONGEST_DETAIL - 1)}…`;
}
