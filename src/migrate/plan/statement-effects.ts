import { messageOf } from '../../core/errors.ts';
import { loadParser, type Parser } from '../../core/parse-sql.ts';
import { relationKey, writeName } from '../relation-name.ts';
import { LOCK_MODES, type LockMode, moreWork, strongerMode, type TableWork } from './lock-levels.ts';
import type { RelationFacts, RelationLookup } from './relation-facts.ts';
import { locksOf, type StatementLocks, type TakenLock } from './statement-locks.ts';

/** A lock on a table that others use. */
export interface PlannedLock {
  /** As SQL writes it; in words where only a database knows it (`the table of index public.i`). */
  readonly relation: string;
  readonly mode: LockMode;
  /** What others cannot do meanwhile, in words. */
  readonly blocks: string;
  readonly work: TableWork;
  readonly notes: readonly string[];
  /** PostgreSQL's estimate; null without a database, for a table that is not there, and before the first ANALYZE. */
  readonly rows: number | null;
  /** Of the table with its indexes, as of the last VACUUM or ANALYZE; null as `rows`. */
  readonly sizeBytes: number | null;
  /** Where the PostgreSQL manual says so. */
  readonly sources: readonly string[];
}

/** What a statement does to tables. */
export interface StatementEffects {
  readonly locks: readonly PlannedLock[];
  readonly creates: readonly string[];
  /** What cannot be told from outside; null when all is told. */
  readonly unknown: string | null;
}

/**
 * The effects of each statement of one migration, in order. In a transaction, what it has created itself is left out:
 * nobody else sees it yet.
 */
export async function effectsOf(
  statements: readonly string[],
  { transactional, lookup }: { readonly transactional: boolean; readonly lookup: RelationLookup },
): Promise<StatementEffects[]> {
  const parse = await loadParser();
  const told = statements.map((statement) => toldBy(statement, parse));
  const facts = await lookup(told.flatMap(({ locks }) => locks));
  const own = new Set<string>();
  return told.map(({ locks, creates, unknown }) => {
    const others = locks.filter(({ relation }) => !own.has(relationKey(relation)));
    if (transactional) for (const relation of creates) own.add(relationKey(relation));
    return {
      locks: merged(others.flatMap((lock) => planned(lock, facts, own))),
      creates: creates.map(writeName),
      unknown: unknown ?? null,
    };
  });
}

function toldBy(statement: string, parse: Parser): StatementLocks {
  try {
    const parts = parse(statement).map(({ node }) => locksOf(node));
    const unknown = parts.flatMap((part) => part.unknown ?? []);
    return {
      locks: parts.flatMap(({ locks }) => locks),
      creates: parts.flatMap(({ creates }) => creates),
      ...(unknown.length > 0 ? { unknown: unknown.join('; ') } : {}),
    };
  } catch (error) {
    return { locks: [], creates: [], unknown: `cannot be read: ${messageOf(error)}` };
  }
}

/** One lock of the text, on the tables that are known; in words where they are not. */
function planned(lock: TakenLock, facts: RelationFacts, own: ReadonlySet<string>): PlannedLock[] {
  const { rule } = lock;
  const what = {
    mode: rule.mode,
    blocks: LOCK_MODES[rule.mode],
    work: rule.work,
    notes: rule.note === undefined ? [] : [rule.note],
    sources: [rule.source],
  };
  const tables = facts(lock);
  if (tables === undefined) {
    // Whether a constraint of unknown kind refers to a table is worth a word where it would block.
    if (rule.mode === 'ROW SHARE') return [];
    return [{ ...what, relation: inWords(lock), rows: null, sizeBytes: null }];
  }
  return tables
    .filter(({ relation }) => !own.has(relation))
    .map(({ relation, rows, sizeBytes }) => ({ ...what, relation, rows, sizeBytes }));
}

function inWords({ relation, on, constraint }: TakenLock): string {
  const name = writeName(relation);
  if (on === 'itself') return name;
  if (on === 'table of index') return `the table of index ${name}`;
  return constraint === undefined
    ? `the tables that ${name} refers to`
    : `the table that constraint ${constraint} of ${name} refers to, if it is a foreign key`;
}

/** One entry per table: the strongest lock, the most work. */
function merged(locks: readonly PlannedLock[]): PlannedLock[] {
  const byRelation = new Map<string, PlannedLock>();
  for (const lock of locks) {
    const former = byRelation.get(lock.relation);
    byRelation.set(lock.relation, former ? together(former, lock) : lock);
  }
  return [...byRelation.values()];
}

function together(a: PlannedLock, b: PlannedLock): PlannedLock {
  const mode = strongerMode(a.mode, b.mode);
  return {
    ...a,
    mode,
    blocks: LOCK_MODES[mode],
    work: moreWork(a.work, b.work),
    notes: [...new Set([...a.notes, ...b.notes])],
    sources: [...new Set([...a.sources, ...b.sources])],
  };
}
