import type { RangeVar } from 'libpg-query';
import { asKind, findAll, type NodeKind, type NodeOf, type SqlNode } from '../../core/parse-sql.ts';
import { nameOf, nameOfParts, type RelationName } from '../relation-name.ts';
import { alterTableForms } from './alter-table-locks.ts';
import { LOCK_RULES, type LockForm, type LockRule, lockTableRule, modeOfNumber } from './lock-levels.ts';

/** A lock that a statement takes, as far as its text says. */
export interface TakenLock {
  readonly relation: RelationName;
  readonly rule: LockRule;
  /**
   * Whose lock it is: the relation itself; the table of the index `relation`; the tables that the foreign keys of the
   * table `relation` refer to, or the one of its constraint `constraint`. A database knows the latter.
   */
  readonly on: 'itself' | 'table of index' | 'referenced tables';
  readonly constraint?: string;
}

/** What one statement does to tables. */
export interface StatementLocks {
  readonly locks: readonly TakenLock[];
  /** New relations: nobody else can see them before the transaction ends. */
  readonly creates: readonly RelationName[];
  /** Why not all can be told from the text. */
  readonly unknown?: string;
}

const NOTHING: StatementLocks = { locks: [], creates: [] };
const CODE = 'runs code: what it locks cannot be told from outside';

/** The locks of a parsed statement, by the rules of LOCK_RULES. */
export function locksOf(node: SqlNode): StatementLocks {
  for (const [kind, handle] of Object.entries(HANDLERS)) {
    const statement = asKind(node, kind as NodeKind);
    if (statement !== undefined) return (handle as (statement: unknown) => StatementLocks)(statement);
  }
  const [kind = ''] = Object.keys(node);
  return HARMLESS.has(kind) ? NOTHING : { ...NOTHING, unknown: 'not known to structdb: see the PostgreSQL manual' };
}

const take = (relation: RelationName, form: LockForm): TakenLock => ({
  relation,
  rule: LOCK_RULES[form],
  on: 'itself',
});
const only = (range: RangeVar | undefined, form: LockForm): StatementLocks => ({
  locks: [take(nameOf(range), form)],
  creates: [],
});

type Handlers = { [K in NodeKind]?: (statement: NodeOf<K>) => StatementLocks };

const HANDLERS: Handlers = {
  SelectStmt: (statement) => {
    const written = writtenBelow(statement);
    if (written.length > 0) return writes(written, statement);
    const locks = sources(statement, asArray(statement.lockingClause).length > 0 ? 'select for update' : 'read');
    const unknown = callsUserFunction(statement) ? { unknown: 'calls functions, which may lock more' } : {};
    return { locks, creates: statement.intoClause ? [nameOf(statement.intoClause.rel)] : [], ...unknown };
  },
  InsertStmt: (statement) => writes([nameOf(statement.relation), ...writtenBelow(statement)], statement),
  UpdateStmt: (statement) => writes([nameOf(statement.relation), ...writtenBelow(statement)], statement),
  DeleteStmt: (statement) => writes([nameOf(statement.relation), ...writtenBelow(statement)], statement),
  MergeStmt: (statement) => writes([nameOf(statement.relation), ...writtenBelow(statement)], statement),
  CopyStmt: ({ relation, is_from }) => (relation ? only(relation, is_from ? 'copy' : 'read') : NOTHING),
  TruncateStmt: ({ relations }) => ({ locks: ranges(relations).map((range) => take(range, 'truncate')), creates: [] }),
  LockStmt: ({ relations, mode }) => ({
    locks: ranges(relations).map((relation) => ({
      relation,
      rule: lockTableRule(modeOfNumber(mode ?? 8)),
      on: 'itself' as const,
    })),
    creates: [],
  }),

  IndexStmt: ({ relation, concurrent, idxname }) => ({
    locks: [take(nameOf(relation), concurrent ? 'create index concurrently' : 'create index')],
    creates: idxname ? [{ schema: relation?.schemaname ?? null, name: idxname }] : [],
  }),
  ReindexStmt: ({ kind, relation, params }) => {
    const form = hasOption(params, 'concurrently') ? 'reindex concurrently' : 'reindex';
    if (!relation) return { ...NOTHING, unknown: 'rebuilds indexes of many tables' };
    const on = kind === 'REINDEX_OBJECT_INDEX' ? ('table of index' as const) : ('itself' as const);
    return { locks: [{ ...take(nameOf(relation), form), on }], creates: [] };
  },

  CreateStmt: (statement) => {
    const { relation, inhRelations, partbound } = statement;
    const parents = ranges(inhRelations).map((parent) => take(parent, partbound ? 'create partition' : 'inherit'));
    const references = findAll(statement, 'Constraint').flatMap(({ pktable }) =>
      pktable ? [take(nameOf(pktable), 'references a table')] : [],
    );
    const models = findAll(statement, 'TableLikeClause').map((like) => take(nameOf(like.relation), 'read'));
    return { locks: [...parents, ...references, ...models], creates: [nameOf(relation)] };
  },
  CreateTableAsStmt: ({ into, query }) => ({
    locks: sources(query, 'read whole'),
    creates: [nameOf(into?.rel)],
  }),
  ViewStmt: ({ view, query, replace }) => ({
    locks: [...(replace ? [take(nameOf(view), 'replace view')] : []), ...sources(query, 'read')],
    creates: replace ? [] : [nameOf(view)],
  }),
  RefreshMatViewStmt: ({ relation, concurrent }) => only(relation, concurrent ? 'refresh concurrently' : 'refresh'),
  CreateSeqStmt: ({ sequence }) => ({ locks: [], creates: [nameOf(sequence)] }),
  AlterSeqStmt: ({ sequence }) => only(sequence, 'alter sequence'),

  AlterTableStmt: ({ relation, cmds, objtype }) => {
    const table = nameOf(relation);
    if (objtype === 'OBJECT_INDEX') return { locks: [take(table, 'alter index')], creates: [] };
    if (objtype === 'OBJECT_VIEW') return { locks: [take(table, 'alter view')], creates: [] };
    if (objtype === 'OBJECT_TYPE') return NOTHING;
    const locks = asArray(cmds).flatMap((node): TakenLock[] => {
      const { forms, others, constraint } = alterTableForms(asKind(node, 'AlterTableCmd') ?? {});
      return [
        ...forms.map((form) => take(table, form)),
        ...others.map((other) => take(other.relation, other.form)),
        ...(constraint
          ? [{ ...take(table, constraint.form), on: 'referenced tables' as const, constraint: constraint.name }]
          : []),
      ];
    });
    return { locks, creates: [] };
  },
  RenameStmt: ({ relation, renameType, relationType }) => {
    if (!relation || (renameType && TYPE_RENAMES.has(renameType))) return NOTHING;
    const isIndex = renameType === 'OBJECT_INDEX' || relationType === 'OBJECT_INDEX';
    return only(relation, isIndex ? 'alter index' : 'rename');
  },
  AlterObjectSchemaStmt: ({ relation }) => (relation ? only(relation, 'alter table') : NOTHING),
  AlterObjectDependsStmt: ({ relation }) => (relation ? only(relation, 'alter table') : NOTHING),
  DropStmt: (statement) => drops(statement),

  CreateTrigStmt: ({ relation, constrrel }) => ({
    locks: [take(nameOf(relation), 'create trigger'), ...(constrrel ? [take(nameOf(constrrel), 'read')] : [])],
    creates: [],
  }),
  RuleStmt: ({ relation }) => only(relation, 'rule'),
  CreatePolicyStmt: ({ table }) => only(table, 'policy'),
  AlterPolicyStmt: ({ table }) => only(table, 'policy'),
  CommentStmt: ({ objtype, object }) => {
    const [drop, form] = COMMENTED[objtype ?? ''] ?? [];
    const relation = drop === undefined ? undefined : nameOfParts(object, drop);
    return relation && form ? { locks: [take(relation, form)], creates: [] } : NOTHING;
  },
  CreateStatsStmt: ({ relations }) => ({
    locks: ranges(relations).map((range) => take(range, 'create statistics')),
    creates: [],
  }),
  // AT_AddConstraint, validate, not null, as the parser abbreviates them; the types say number.
  AlterDomainStmt: ({ subtype }) =>
    ['C', 'V', 'O'].includes(String(subtype))
      ? { ...NOTHING, unknown: 'scans every table with a column of the domain, under SHARE: blocks writes, not reads' }
      : NOTHING,
  VacuumStmt: ({ options, rels, is_vacuumcmd }) => {
    const tables = findAll(rels, 'VacuumRelation').map(({ relation }) => nameOf(relation));
    if (tables.length === 0) return { ...NOTHING, unknown: 'works through every table' };
    const form = !is_vacuumcmd ? 'analyze' : hasOption(options, 'full') ? 'vacuum full' : 'vacuum';
    return { locks: tables.map((table) => take(table, form)), creates: [] };
  },
  ClusterStmt: ({ relation }) => (relation ? only(relation, 'cluster') : { ...NOTHING, unknown: 'many tables' }),

  DoStmt: () => ({ ...NOTHING, unknown: CODE }),
  CallStmt: () => ({ ...NOTHING, unknown: CODE }),
  ExecuteStmt: () => ({ ...NOTHING, unknown: CODE }),
  CreateExtensionStmt: () => ({ ...NOTHING, unknown: 'runs the script of the extension' }),
  AlterExtensionStmt: () => ({ ...NOTHING, unknown: 'runs the script of the extension' }),
};

/** Statements that lock no table which others use. */
const HARMLESS: ReadonlySet<string> = new Set(
  ['CreateSchemaStmt', 'CreateEnumStmt', 'AlterEnumStmt', 'CompositeTypeStmt', 'CreateDomainStmt', 'CreateRangeStmt']
    .concat(['CreateFunctionStmt', 'AlterFunctionStmt', 'DefineStmt', 'CreateCastStmt', 'AlterTypeStmt'])
    .concat(['GrantStmt', 'GrantRoleStmt', 'AlterDefaultPrivilegesStmt', 'CreateRoleStmt', 'AlterRoleStmt'])
    .concat(['AlterRoleSetStmt', 'AlterDatabaseSetStmt', 'AlterDatabaseStmt', 'AlterOwnerStmt', 'DropRoleStmt'])
    .concat(['VariableSetStmt', 'VariableShowStmt', 'TransactionStmt', 'DiscardStmt', 'NotifyStmt', 'ExplainStmt'])
    .concat(['CreateEventTrigStmt', 'AlterEventTrigStmt', 'CheckPointStmt', 'ConstraintsSetStmt', 'SecLabelStmt']),
);

const TYPE_RENAMES: ReadonlySet<string> = new Set(['OBJECT_TYPE', 'OBJECT_ATTRIBUTE', 'OBJECT_DOMAIN']);

/** How many last parts of the name are not the relation's (a column, a trigger), and what COMMENT takes. */
const COMMENTED: Readonly<Record<string, readonly [number, LockForm]>> = {
  OBJECT_TABLE: [0, 'comment'],
  OBJECT_VIEW: [0, 'comment'],
  OBJECT_MATVIEW: [0, 'comment'],
  OBJECT_INDEX: [0, 'comment'],
  OBJECT_SEQUENCE: [0, 'comment'],
  OBJECT_COLUMN: [1, 'comment'],
  OBJECT_TABCONSTRAINT: [1, 'read'],
  OBJECT_TRIGGER: [1, 'read'],
  OBJECT_POLICY: [1, 'read'],
  OBJECT_RULE: [1, 'read'],
};

function drops({ objects, removeType, concurrent, behavior }: NodeOf<'DropStmt'>): StatementLocks {
  const named = (parts: number) => asArray(objects).flatMap((object) => nameOfParts(object, parts) ?? []);
  const cascade = behavior === 'DROP_CASCADE' ? { unknown: 'CASCADE drops, and so locks, what depends on it' } : {};
  switch (removeType) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_FOREIGN_TABLE': {
      const references = (relation: RelationName): TakenLock[] =>
        removeType === 'OBJECT_TABLE' ? [{ ...take(relation, 'drop a reference'), on: 'referenced tables' }] : [];
      return {
        locks: named(0).flatMap((relation) => [take(relation, 'drop'), ...references(relation)]),
        creates: [],
        ...cascade,
      };
    }
    case 'OBJECT_INDEX': {
      const form = concurrent ? 'drop index concurrently' : 'drop index';
      return {
        locks: named(0).map((name) => ({ ...take(name, form), on: 'table of index' })),
        creates: [],
        ...cascade,
      };
    }
    case 'OBJECT_TRIGGER':
    case 'OBJECT_RULE':
    case 'OBJECT_POLICY': {
      const form = removeType === 'OBJECT_TRIGGER' ? 'drop trigger' : removeType === 'OBJECT_RULE' ? 'rule' : 'policy';
      return { locks: named(1).map((relation) => take(relation, form)), creates: [], ...cascade };
    }
    default:
      return { ...NOTHING, ...cascade };
  }
}

function writes(targets: readonly RelationName[], statement: object): StatementLocks {
  const written = new Set(targets.map(keyOf));
  const read = sources(statement, 'read').filter(({ relation }) => !written.has(keyOf(relation)));
  return { locks: [...targets.map((relation) => take(relation, 'write')), ...read], creates: [] };
}

/** Targets of the INSERT, UPDATE and DELETE in WITH. */
function writtenBelow(tree: object): RelationName[] {
  const kinds = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'] as const;
  return kinds.flatMap((kind) => findAll(tree, kind).map(({ relation }) => nameOf(relation)));
}

/** The relations that a query reads, but not the names of its WITH. */
function sources(tree: unknown, form: LockForm): TakenLock[] {
  const named = new Set(findAll(tree, 'CommonTableExpr').map(({ ctename }) => ctename));
  const found = new Map<string, TakenLock>();
  for (const range of findAll(tree, 'RangeVar')) {
    if (range.schemaname === undefined && named.has(range.relname)) continue;
    found.set(keyOf(nameOf(range)), take(nameOf(range), form));
  }
  return [...found.values()];
}

/** `select set_config(…)` locks nothing; the functions of a user may. */
function callsUserFunction(tree: unknown): boolean {
  return findAll(tree, 'FuncCall').some(
    ({ funcname = [] }) => funcname.length > 1 && findAll(funcname[0], 'String')[0]?.sval !== 'pg_catalog',
  );
}

function ranges(nodes: readonly SqlNode[] | undefined): RelationName[] {
  return asArray(nodes).flatMap((node) => {
    const range = asKind(node, 'RangeVar');
    return range ? [nameOf(range)] : [];
  });
}

function hasOption(options: readonly SqlNode[] | undefined, name: string): boolean {
  return asArray(options).some((option) => asKind(option, 'DefElem')?.defname === name);
}

function asArray<T>(list: readonly T[] | undefined): readonly T[] {
  return list ?? [];
}

function keyOf({ schema, name }: RelationName): string {
  return `${schema ?? ''}.${name}`;
}
