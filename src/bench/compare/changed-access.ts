import type { PlanChange } from '../plans/compare-plans.ts';
import { comparePlans } from '../plans/compare-plans.ts';
import { nodesOf } from '../plans/explain.ts';
import type { PlanRecord, PlanVariant } from '../plans/plan-record.ts';

/** A plan that changed, and whether it reads by other indexes, or other tables whole. */
export interface ComparedPlan extends PlanChange {
  /**
   * Otherwise the same indexes serve it in another way (a bitmap instead of a scan, another kind of join): two plans of
   * nearly the same cost, between which the sampled statistics of the same data decide now so, now so. It is told, and
   * whether it matters the times say.
   */
  readonly otherAccess: boolean;
}

/** The plans that changed. */
export function comparedPlans(before: readonly PlanRecord[], after: readonly PlanRecord[]): ComparedPlan[] {
  return comparePlans(before, after).map((change) => ({
    ...change,
    otherAccess: accessOf(change.before) !== accessOf(change.after),
  }));
}

/** The indexes that a plan uses, and the tables that it reads whole. */
function accessOf({ root }: PlanVariant): string {
  const found = nodesOf(root).flatMap(({ type, index, relation }) =>
    index !== undefined ? [`index ${index}`] : type === 'Seq Scan' ? [`table ${relation}`] : [],
  );
  return [...new Set(found)].sort().join(', ');
}
