import type { PlanRecord, PlanVariant } from './plan-record.ts';
import { indent, type PlanLines, planLines } from './plan-text.ts';
import { aliasesOf, hashPlan, shapeOf } from './shape.ts';

/** A line of two plans, one after the other read: what only the old one did, only the new one does, or both do. */
export interface PlanDiffLine {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** How a query is answered in another way than before. */
export interface PlanChange {
  readonly query: string;
  /** The turns, of those that both runs looked at, whose plans differ. */
  readonly turns: readonly number[];
  /** Of the first of these turns. */
  readonly before: PlanVariant;
  readonly after: PlanVariant;
  /** Both plans in one tree. Costs are those of the side that a line belongs to, of the new one where both do the same. */
  readonly lines: readonly PlanDiffLine[];
  /** Settings that are not what they were; null: at their default. */
  readonly settings: readonly {
    readonly name: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
}

/**
 * The queries of both runs whose plans differ, in the order of the new run. A plan is compared with that of the same
 * turn, since other values may rightly lead to another plan. Queries that only one run has are not told.
 */
export function comparePlans(before: readonly PlanRecord[], after: readonly PlanRecord[]): PlanChange[] {
  return after.flatMap((record) => {
    const former = before.find(({ query }) => query === record.query);
    const change = former && changeOf(former, record);
    return change ? [change] : [];
  });
}

function changeOf(before: PlanRecord, after: PlanRecord): PlanChange | undefined {
  const pairs = after.variants.flatMap((now) =>
    now.turns.flatMap((turn) => {
      const then = before.variants.find(({ turns }) => turns.includes(turn));
      // Not the stored hashes: an older structdb may have made them otherwise.
      return then && hashPlan(then.root) !== hashPlan(now.root) ? [{ turn, then, now }] : [];
    }),
  );
  const [first] = pairs.toSorted((a, b) => a.turn - b.turn);
  if (!first) return undefined;
  return {
    query: after.query,
    turns: pairs.map(({ turn }) => turn).toSorted((a, b) => a - b),
    before: first.then,
    after: first.now,
    lines: diffPlans(first.then, first.now),
    settings: diffSettings(before.settings, after.settings),
  };
}

interface Keyed {
  readonly lines: PlanLines;
  readonly key: string;
}

/** The longest common sequence of nodes that do the same at the same depth; a plan has a few dozen nodes at most. */
function diffPlans(before: PlanVariant, after: PlanVariant): PlanDiffLine[] {
  const [a, b] = [keyed(before), keyed(after)];
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      common[i]![j] =
        a[i]!.key === b[j]!.key ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lines: PlanDiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i]!.key === b[j]!.key) {
      lines.push(...told(' ', b[j]!));
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(...told('-', a[i]!));
      i += 1;
    } else {
      lines.push(...told('+', b[j]!));
      j += 1;
    }
  }
  return lines;
}

function keyed({ root }: PlanVariant): Keyed[] {
  const aliases = aliasesOf(root);
  return planLines(root).map((lines) => ({ lines, key: `${lines.depth} ${shapeOf(lines.node, aliases)}` }));
}

function told(mark: PlanDiffLine['mark'], { lines: { depth, head, details } }: Keyed): PlanDiffLine[] {
  return [head, ...details].map((line, place) => ({ mark, text: indent(depth, line, place) }));
}

function diffSettings(before: PlanRecord['settings'], after: PlanRecord['settings']): PlanChange['settings'] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .sort()
    .map((name) => ({ name, before: before[name] ?? null, after: after[name] ?? null }));
}
