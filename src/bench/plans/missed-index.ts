import type { SchemaFacts } from '../observe/schema-facts.ts';
import { nodesOf } from './explain.ts';
import type { MissedIndex, PlanRecord, PlanVariant } from './plan-record.ts';

/** Below this many rows reading the whole table may well be quicker than going through an index. */
const SMALL_TABLE_ROWS = 10_000;

/**
 * Why the index that a query names does not serve it; null when a plan of any of its values uses it. An index that is
 * not there is missed at every size: at the size of the platform it would be needed.
 */
export function missedIndex(index: string, variants: readonly PlanVariant[], facts: SchemaFacts): MissedIndex | null {
  const found = facts.indexes.find(({ name }) => name === index);
  if (!found) return 'absent';
  if (usesIndex(variants, index)) return null;
  if (!found.valid) return 'invalid';
  const rows = facts.tables.find(({ name }) => name === found.table)?.rows ?? 0;
  return rows < SMALL_TABLE_ROWS ? 'small table' : 'unused';
}

export function usesIndex(variants: readonly PlanVariant[], index: string): boolean {
  return variants.some(({ root }) => nodesOf(root).some((node) => node.index === index));
}

/** How the plans read their tables instead: `Seq Scan on projects`, each once. */
export function scansOf(variants: readonly PlanVariant[]): string[] {
  const scans = variants.flatMap(({ root }) =>
    nodesOf(root).flatMap(({ type, relation, index }) => {
      if (index) return [`${type} ${relation ? 'using' : 'on'} ${index}`];
      return relation && type.endsWith('Scan') && type !== 'Bitmap Heap Scan' ? [`${type} on ${relation}`] : [];
    }),
  );
  return [...new Set(scans)];
}

const WHY: Readonly<Record<MissedIndex, string>> = {
  absent: 'the database has no such index',
  invalid: 'it is invalid, left by a build that failed',
  unused: 'the planner goes another way',
  'small table': 'its table is small',
};

/** `missed its index projects_created_by_idx (the database has no such index): Seq Scan on projects`. */
export function describeMissed({ index, missed, variants }: PlanRecord): string {
  return missed === null ? '' : `missed its index ${index} (${WHY[missed]}): ${scansOf(variants).join(', ')}`;
}
