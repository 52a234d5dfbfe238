import type { PlanNode } from './plan-record.ts';

/** A node of EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON). */
export type RawNode = { readonly [key: string]: unknown } & { readonly Plans?: readonly RawNode[] };

/** What decides which way a plan goes, besides its nodes; they are part of its hash. */
const DETAILS = [
  'Index Cond',
  'Recheck Cond',
  'TID Cond',
  'Order By',
  'Hash Cond',
  'Merge Cond',
  'Join Filter',
  'Filter',
  'One-Time Filter',
  'Sort Key',
  'Presorted Key',
  'Group Key',
  'Cache Key',
] as const;

const NOTES = [
  'Rows Removed by Filter',
  'Rows Removed by Index Recheck',
  'Rows Removed by Join Filter',
  'Heap Fetches',
  'Hash Batches',
  'Workers Launched',
] as const;

/** Reduces EXPLAIN's answer to what is told, compared and stored. */
export function reducePlan(raw: RawNode): PlanNode {
  const word = (key: string) => (typeof raw[key] === 'string' ? (raw[key] as string) : undefined);
  const number = (key: string) => (typeof raw[key] === 'number' ? (raw[key] as number) : 0);
  const role = word('Parent Relationship');
  const optional = {
    relation: word('Relation Name') ?? word('CTE Name') ?? word('Function Name'),
    alias: word('Alias'),
    index: word('Index Name'),
    join: word('Join Type'),
    strategy: word('Strategy') === 'Plain' ? undefined : word('Strategy'),
    partial: word('Partial Mode') === 'Simple' ? undefined : word('Partial Mode'),
    backward: word('Scan Direction') === 'Backward' ? (true as const) : undefined,
    parallel: raw['Parallel Aware'] === true ? (true as const) : undefined,
    role: role === 'InitPlan' || role === 'SubPlan' ? role : undefined,
  };
  return {
    type: word('Node Type') ?? 'Unknown',
    ...present(optional),
    details: textsOf(raw, DETAILS),
    notes: { ...sortOf(raw), ...textsOf(raw, NOTES) },
    plannedRows: number('Plan Rows'),
    rows: number('Actual Rows'),
    loops: number('Actual Loops'),
    ms: number('Actual Total Time'),
    hits: number('Shared Hit Blocks'),
    reads: number('Shared Read Blocks'),
    inputs: (raw.Plans ?? []).map(reducePlan),
  };
}

/** Every node, parents first. */
export function nodesOf(root: PlanNode): PlanNode[] {
  return [root, ...root.inputs.flatMap(nodesOf)];
}

/** A sort on disk is what a reader looks for. */
function sortOf(raw: RawNode): Record<string, string> {
  const { 'Sort Method': method, 'Sort Space Used': size, 'Sort Space Type': place } = raw;
  return method === undefined ? {} : { 'Sort Method': `${method}, ${size} kB (${String(place).toLowerCase()})` };
}

function textsOf(raw: RawNode, keys: readonly string[]): Record<string, string> {
  const told = keys.flatMap((key) => {
    const value = raw[key];
    if (value === undefined || value === 0) return [];
    return [[key, Array.isArray(value) ? value.join(', ') : String(value)] as const];
  });
  return Object.fromEntries(told);
}

function present<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
