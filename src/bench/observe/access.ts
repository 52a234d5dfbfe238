import { nodesOf } from '../plans/explain.ts';
import type { PlanRecord } from '../plans/plan-record.ts';
import type { HitRates } from './counters.ts';
import { type IndexFacts, isLarge, type SchemaFacts, type TableFacts } from './schema-facts.ts';

/** A large table that was read whole, and by which queries of the suite. */
export interface LargeTableScan extends TableFacts {
  /** During the timed run; each worker of a parallel scan counts. */
  readonly scans: number;
  readonly queries: readonly {
    readonly name: string;
    /** The index that the query names and misses; null where it names none or also uses it. */
    readonly shouldUse: string | null;
  }[];
}

/** How the timed queries came to their rows. Told, not judged: a plan that misses its index is. */
export interface AccessFindings {
  /** That no timed query read. */
  readonly unusedIndexes: readonly Omit<IndexFacts, 'valid'>[];
  readonly tableScans: readonly LargeTableScan[];
}

/** null when the statistics were reset. */
export function findAccess(rates: HitRates, facts: SchemaFacts, plans: readonly PlanRecord[]): AccessFindings | null {
  if (rates.reset) return null;
  return {
    unusedIndexes: facts.indexes.flatMap(({ valid: _valid, ...index }) =>
      (rates.scansOfIndex[index.name] ?? 0) === 0 ? [index] : [],
    ),
    tableScans: facts.tables
      .filter((table) => isLarge(table) && (rates.scansOfTable[table.name] ?? 0) > 0)
      .map((table) => ({ ...table, scans: rates.scansOfTable[table.name]!, queries: scannersOf(table.name, plans) })),
  };
}

function scannersOf(table: string, plans: readonly PlanRecord[]): LargeTableScan['queries'] {
  return plans
    .filter(({ variants }) =>
      variants.some(({ root }) =>
        nodesOf(root).some(({ type, relation }) => type === 'Seq Scan' && relation === table),
      ),
    )
    .map(({ query, index, missed }) => ({ name: query, shouldUse: missed === null ? null : index }));
}
