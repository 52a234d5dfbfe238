import type { RawNode } from '../../../src/bench/plans/explain.ts';
import { reducePlan } from '../../../src/bench/plans/explain.ts';
import type { PlanRecord, PlanVariant } from '../../../src/bench/plans/plan-record.ts';
import { hashPlan } from '../../../src/bench/plans/shape.ts';

/** A node as EXPLAIN tells it, with costs that mean nothing. */
export function rawNode(type: string, more: Record<string, unknown> = {}, ...inputs: RawNode[]): RawNode {
  return {
    'Node Type': type,
    'Plan Rows': 10,
    'Actual Rows': 10,
    'Actual Loops': 1,
    'Actual Total Time': 0.25,
    'Shared Hit Blocks': 4,
    'Shared Read Blocks': 0,
    ...more,
    ...(inputs.length === 0 ? {} : { Plans: inputs }),
  };
}

export function variantOf(raw: RawNode, turns: readonly number[] = [0]): PlanVariant {
  const root = reducePlan(raw);
  return { hash: hashPlan(root), turns, generic: false, root, planningMs: 0.1, executionMs: 0.3 };
}

export function recordOf(query: string, variants: readonly PlanVariant[], more: Partial<PlanRecord> = {}): PlanRecord {
  return { query, index: null, variants, settings: {}, missed: null, verdict: 'pass', ...more };
}
