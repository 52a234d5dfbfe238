import type { Verdict } from '../judge/verdict.ts';

/** A node of a plan as it ran: what a reader needs of EXPLAIN's answer. */
export interface PlanNode {
  /** As EXPLAIN names it: `Index Scan`, `Hash Join`. */
  readonly type: string;
  readonly relation?: string;
  readonly alias?: string;
  readonly index?: string;
  /** `Inner`, `Left`, … */
  readonly join?: string;
  /** Of an aggregate or set operation: `Hashed`, `Sorted`, … */
  readonly strategy?: string;
  /** Of an aggregate that works in parts: `Partial`, `Finalize`. */
  readonly partial?: string;
  readonly backward?: true;
  readonly parallel?: true;
  /** `InitPlan` or `SubPlan`, where the node is no plain input of its parent. */
  readonly role?: string;
  /** Conditions and keys, by EXPLAIN's names. */
  readonly details: Readonly<Record<string, string>>;
  /** What came of this run alone: how it sorted, rows removed, heap fetches. */
  readonly notes: Readonly<Record<string, string>>;
  /** Per loop, as the planner expected. */
  readonly plannedRows: number;
  /** Per loop, as it was. */
  readonly rows: number;
  /** 0: never executed. */
  readonly loops: number;
  /** Per loop, with its inputs. */
  readonly ms: number;
  /** Blocks found in shared buffers and not found there, of all loops and inputs. */
  readonly hits: number;
  readonly reads: number;
  readonly inputs: readonly PlanNode[];
}

/** One plan of a query, and the turns whose values led to it. */
export interface PlanVariant {
  /** Equal for plans that go the same way, whatever they cost (`hashPlan`). */
  readonly hash: string;
  readonly turns: readonly number[];
  /** One plan for all values of a prepared statement, made without knowing them. */
  readonly generic: boolean;
  /** As it ran in the first of the turns. */
  readonly root: PlanNode;
  readonly planningMs: number;
  readonly executionMs: number;
}

/** Why a query that names an index does not count as served by it. */
export type MissedIndex =
  /** The database has no such index. */
  | 'absent'
  /** A failed concurrent build left it: the planner does not look at it. */
  | 'invalid'
  /** The planner goes another way. */
  | 'unused'
  /** As `unused`, on a table so small that reading it whole may be right. */
  | 'small table';

/** The plans of one query, taken once, outside the timed phase. */
export interface PlanRecord {
  readonly query: string;
  /** The index that the suite names for it. */
  readonly index: string | null;
  /** Mostly one; several when the values decide. */
  readonly variants: readonly PlanVariant[];
  /** Settings that differ from their default and may lead to another plan. */
  readonly settings: Readonly<Record<string, string>>;
  /** null: its index serves it, or it names none. */
  readonly missed: MissedIndex | null;
  readonly verdict: Verdict;
}
