import { asKind, findAll, type NodeKind, type SqlNode } from '../../core/parse-sql.ts';
import { formatCount, parseDuration } from '../../core/units.ts';
import type { LockMode } from '../plan/lock-levels.ts';
import type { PlannedMigration } from '../plan/plan.ts';
import type { PlannedLock, StatementEffects } from '../plan/statement-effects.ts';
import { locksOf } from '../plan/statement-locks.ts';
import type { RegisteredMigration } from '../registry.ts';
import { nameOf, nameOfParts, type RelationName, relationKey, writeName } from '../relation-name.ts';
import { limitsOf, patientWith } from '../run/timeouts.ts';
import type { LintFinding } from './lint-findings.ts';

/** A migration with all that the rules look at. */
export interface LintedMigration {
  readonly planned: PlannedMigration;
  readonly migration: RegisteredMigration;
  /** The statements of its down; undefined when it has none, or when they are not known. */
  readonly back: readonly string[] | undefined;
  /** What each statement parsed to; empty where it cannot be read. */
  readonly parsed: readonly (readonly SqlNode[])[];
  /** Of the run, milliseconds; 0 is none. */
  readonly lockTimeoutMs: number;
  /** From how many rows on a table is large. */
  readonly largeRows: number;
}

type Found = Omit<LintFinding, 'migration' | 'sql'>;
type Rule = (linted: LintedMigration) => readonly Found[];

const BLOCKS_WRITES: ReadonlySet<LockMode> = new Set(['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE']);

/** structdb's own rules by name; squawk's come beside them. */
export const LINT_RULES = Object.freeze({
  'empty-migration': emptyMigration,
  'missing-down': missingDown,
  'irreversible-change': irreversibleChange,
  'missing-lock-timeout': missingLockTimeout,
  'index-not-concurrent': indexNotConcurrent,
  'long-lock-on-large-table': longLock,
  'enum-value-used-at-once': enumValueUsed,
  'data-and-schema-change': dataAndSchema,
  'unreadable-statement': unreadable,
}) satisfies Readonly<Record<string, Rule>>;

/** Everything that structdb's own rules find, in the order of the statements. */
export function ownFindings(linted: LintedMigration): LintFinding[] {
  const { name, statements } = linted.planned;
  return Object.values(LINT_RULES)
    .flatMap((rule) => rule(linted))
    .map((found) => ({
      ...found,
      migration: name,
      sql: found.statement === null ? null : firstLine(statements[found.statement - 1]!),
    }));
}

/** Once it is on record, what is filled in later never runs. */
function emptyMigration({ planned }: LintedMigration): Found[] {
  if (planned.statements.length > 0) return [];
  return [
    {
      statement: null,
      rule: 'empty-migration',
      level: 'error',
      message: 'It has no statement: it would be recorded as applied, and what is written later would not run.',
      help: 'Write its statements, or remove the file.',
    },
  ];
}

/** A down that does nothing, as that of a template, would take the record back and leave the schema. */
function missingDown({ planned, migration, back }: LintedMigration): Found[] {
  if (planned.statements.length === 0 || migration.config?.irreversible) return [];
  if (migration.down !== undefined && back?.length !== 0) return [];
  return [
    {
      statement: null,
      rule: 'missing-down',
      level: 'error',
      message: `${migration.down === undefined ? 'It has no down' : 'Its down has no statement'}: it cannot be taken back.`,
      help: "Write the way back, or say why there is none: config = { irreversible: '<why>' }",
    },
  ];
}

function irreversibleChange({ migration, parsed }: LintedMigration): Found[] {
  if (migration.config?.irreversible) return [];
  const own = ownRelations(parsed);
  return eachNode(parsed, (node, statement) =>
    lost(node, own).map((what) => ({
      statement,
      rule: 'irreversible-change',
      level: 'error',
      message: `${what}: no down brings that back.`,
      help: "Mark the migration: config = { irreversible: '<why, and where the data is>' }",
    })),
  );
}

/** What a statement takes away that cannot be made again from the migrations. */
function lost(node: SqlNode, own: ReadonlySet<string>): string[] {
  const kept = (relation: RelationName | undefined) => relation !== undefined && !own.has(relationKey(relation));
  const drop = asKind(node, 'DropStmt');
  if (drop?.removeType === 'OBJECT_TABLE') {
    const tables = (drop.objects ?? []).map((object) => nameOfParts(object));
    return tables.filter(kept).map((table) => `The rows of ${writeName(table!)} go`);
  }
  if (drop?.removeType === 'OBJECT_SCHEMA' && drop.behavior === 'DROP_CASCADE') return ['A schema goes with all in it'];
  const truncate = asKind(node, 'TruncateStmt');
  if (truncate) {
    const tables = findAll(truncate.relations, 'RangeVar').map(nameOf);
    return tables.filter(kept).map((table) => `The rows of ${writeName(table)} go`);
  }
  const removed = asKind(node, 'DeleteStmt');
  if (removed && kept(nameOf(removed.relation))) return [`Rows of ${writeName(nameOf(removed.relation))} go`];
  const alter = asKind(node, 'AlterTableStmt');
  if (alter && kept(nameOf(alter.relation))) {
    return findAll(alter.cmds, 'AlterTableCmd')
      .filter(({ subtype }) => subtype === 'AT_DropColumn')
      .map(({ name }) => `The values of ${writeName(nameOf(alter.relation))}.${name} go`);
  }
  const added = asKind(node, 'AlterEnumStmt');
  if (added?.newVal !== undefined && added.oldVal === undefined) {
    return [`Value '${added.newVal}' of an enum cannot be taken out again`];
  }
  return [];
}

function missingLockTimeout({ planned, migration, parsed, lockTimeoutMs }: LintedMigration): Found[] {
  const limits = limitsOf(planned.name, migration, lockTimeoutMs);
  // Nothing else keeps others waiting there, and a limit would leave an invalid index.
  const patient = patientWith(planned.statements, migration, limits) !== limits;
  const found: Found[] = [];
  let current = limits.lockTimeoutMs;
  for (const [index, nodes] of parsed.entries()) {
    for (const node of nodes) current = lockTimeoutAfter(node, current, limits.lockTimeoutMs);
    const blocking = planned.effects[index]!.locks.filter(({ mode }) => BLOCKS_WRITES.has(mode));
    if (patient || current > 0 || blocking.length === 0) continue;
    found.push({
      statement: index + 1,
      rule: 'missing-lock-timeout',
      level: 'error',
      message: `It waits for ${blocking[0]!.relation} without a limit, and all who come later wait behind it.`,
      help: "Give it one: config = { lockTimeout: '5s' }, and leave `set lock_timeout = 0` to concurrent builds.",
    });
  }
  return found;
}

/** What SET and RESET lock_timeout leave; milliseconds, as PostgreSQL takes a number without a unit. */
function lockTimeoutAfter(node: SqlNode, current: number, initial: number): number {
  const set = asKind(node, 'VariableSetStmt');
  if (set === undefined || (set.name !== 'lock_timeout' && set.kind !== 'VAR_RESET_ALL')) return current;
  if (set.kind !== 'VAR_SET_VALUE') return initial;
  const [value] = findAll(set.args, 'A_Const');
  if (value === undefined) return current;
  const text = value.sval?.sval ?? String(value.ival?.ival ?? 0);
  return /^\d+$/.test(text.trim()) ? Number(text) : (parseDuration(text) ?? current);
}

function indexNotConcurrent({ planned, parsed, largeRows }: LintedMigration): Found[] {
  return eachNode(parsed, (node, statement) => {
    if (!asKind(node, 'IndexStmt')) return [];
    return longLocks(planned.effects[statement - 1]!, largeRows).map(({ relation, rows }) => ({
      statement,
      rule: 'index-not-concurrent',
      level: 'error',
      message: `${relation} has about ${formatCount(rows!)} rows: nobody can write while the index is built.`,
      help: 'Use CREATE INDEX CONCURRENTLY, in a migration of its own: config = { transaction: false }',
    }));
  });
}

function longLock({ planned, parsed, largeRows }: LintedMigration): Found[] {
  return planned.effects.flatMap((effects, index) => {
    if (parsed[index]!.some((node) => asKind(node, 'IndexStmt'))) return [];
    return longLocks(effects, largeRows).map(({ relation, rows, work, blocks }) => ({
      statement: index + 1,
      rule: 'long-lock-on-large-table',
      level: 'error',
      message: `${relation} has about ${formatCount(rows!)} rows, all of which are ${work === 'scans' ? 'read' : 'written anew'} under a lock that ${blocks}.`,
      help: 'Split it: a constraint NOT VALID and validated later, a new column filled in batches, an index built concurrently.',
    }));
  });
}

function longLocks({ locks }: StatementEffects, largeRows: number): PlannedLock[] {
  return locks.filter(
    ({ mode, work, rows }) => BLOCKS_WRITES.has(mode) && work !== 'none' && rows !== null && rows >= largeRows,
  );
}

/** SQLSTATE 55P04: a new value may be used after the commit only, unless the type is as new (manual, ALTER TYPE). */
function enumValueUsed({ planned, parsed }: LintedMigration): Found[] {
  if (!planned.transactional) return [];
  const newTypes = new Set<string>();
  return eachNode(parsed, (node, statement) => {
    const created = asKind(node, 'CreateEnumStmt');
    if (created) newTypes.add(typeName(created.typeName));
    const added = asKind(node, 'AlterEnumStmt');
    if (added?.newVal === undefined || added.oldVal !== undefined || newTypes.has(typeName(added.typeName))) return [];
    const literal = `'${added.newVal.replaceAll("'", "''")}'`;
    const used = planned.statements.findIndex(
      (text, index) => index >= statement && text.includes(literal) && !parsed[index]!.some(keepsLiterals),
    );
    if (used < 0) return [];
    return [
      {
        statement: used + 1,
        rule: 'enum-value-used-at-once',
        level: 'error',
        message: `It uses ${literal}, which statement ${statement} adds in the same transaction: PostgreSQL refuses that (55P04).`,
        help: 'Add the value in a migration of its own, before this one.',
      },
    ];
  });
}

/** Statements that name a value without using it. */
function keepsLiterals(node: SqlNode): boolean {
  const kinds: readonly NodeKind[] = ['AlterEnumStmt', 'CommentStmt', 'CreateFunctionStmt'];
  return kinds.some((kind) => asKind(node, kind) !== undefined);
}

function dataAndSchema({ planned, parsed }: LintedMigration): Found[] {
  if (!planned.transactional) return [];
  const own = new Set<string>();
  let changed = 0;
  let held: PlannedLock | undefined;
  const found = new Map<number, Found>();
  for (const [index, nodes] of parsed.entries()) {
    const { locks } = planned.effects[index]!;
    const data = nodes.some((node) => writtenTo(node).some((table) => !own.has(relationKey(table))));
    for (const key of ownRelations([nodes])) own.add(key);
    if (nodes.some(changesSchema)) changed ||= index + 1;
    held ??= locks.find(({ mode }) => BLOCKS_WRITES.has(mode));
    if (!data || changed === 0 || found.size > 0) continue;
    found.set(index, {
      statement: index + 1,
      rule: 'data-and-schema-change',
      level: held ? 'error' : 'warning',
      message: held
        ? `It changes rows while the transaction has ${held.mode} on ${held.relation}, which ${held.blocks} until its end.`
        : `It changes rows in the transaction of a schema change (statement ${changed}): they cannot be applied, or fail, one by one.`,
      help: 'Put the rows into a migration of their own.',
    });
  }
  return [...found.values()];
}

function writtenTo(node: SqlNode): RelationName[] {
  const kinds = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'] as const;
  const code = ['DoStmt', 'CreateFunctionStmt', 'RuleStmt', 'ViewStmt'] as const;
  if (code.some((kind) => asKind(node, kind))) return [];
  return kinds.flatMap((kind) => findAll(node, kind).map(({ relation }) => nameOf(relation)));
}

const NOT_SCHEMA: readonly NodeKind[] = [
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'SelectStmt',
  'CopyStmt',
  'DoStmt',
  'CallStmt',
  'LockStmt',
  'VariableSetStmt',
  'TransactionStmt',
  'ConstraintsSetStmt',
];

function changesSchema(node: SqlNode): boolean {
  return !NOT_SCHEMA.some((kind) => asKind(node, kind) !== undefined);
}

function unreadable({ planned, parsed }: LintedMigration): Found[] {
  return planned.effects.flatMap(({ unknown }, index) =>
    parsed[index]!.length === 0 && unknown !== null
      ? [
          {
            statement: index + 1,
            rule: 'unreadable-statement',
            level: 'error' as const,
            message: `PostgreSQL's parser ${unknown}.`,
            help: 'Correct the statement.',
          },
        ]
      : [],
  );
}

function eachNode(
  parsed: LintedMigration['parsed'],
  look: (node: SqlNode, statement: number) => readonly Found[],
): Found[] {
  return parsed.flatMap((nodes, index) => nodes.flatMap((node) => look(node, index + 1)));
}

/** The relations that the migration makes itself. */
function ownRelations(parsed: LintedMigration['parsed']): Set<string> {
  return new Set(parsed.flat().flatMap((node) => locksOf(node).creates.map(relationKey)));
}

function typeName(parts: readonly SqlNode[] | undefined): string {
  return (parts ?? []).map((part) => asKind(part, 'String')?.sval ?? '').at(-1) ?? '';
}

export function firstLine(statement: string): string {
  const [line = ''] = statement.trimStart().split('\n');
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
