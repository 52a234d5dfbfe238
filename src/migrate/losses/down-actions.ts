import type { RangeVar } from 'libpg-query';
import { asKind, findAll, type NodeOf, type Parser, type SqlNode } from '../../core/parse-sql.ts';
import { nameOf, nameOfParts, type RelationName, writeName } from '../relation-name.ts';
import type { BlockParser } from './block-statements.ts';

export type DroppedKind = 'relation' | 'type' | 'schema' | 'extension' | 'routine';

/** What a statement does to things that hold data or are named, as far as its text says. */
export type DownAction =
  | {
      readonly does: 'drop';
      readonly kind: DroppedKind;
      readonly objects: readonly DroppedName[];
      readonly cascade: boolean;
    }
  | {
      readonly does: 'drop column';
      readonly relation: RelationName;
      readonly column: string;
      /** Not of the tables that inherit it. */
      readonly only: boolean;
      readonly cascade: boolean;
    }
  | { readonly does: 'drop constraint'; readonly relation: RelationName; readonly constraint: string }
  | { readonly does: 'truncate'; readonly tables: readonly EmptiedTable[]; readonly cascade: boolean }
  | ({ readonly does: 'delete'; readonly seeds: boolean } & EmptiedTable)
  | { readonly does: 'rename'; readonly relation: RelationName; readonly to: string }
  | { readonly does: 'rename column'; readonly relation: RelationName; readonly from: string; readonly to: string }
  | { readonly does: 'rename schema'; readonly from: string; readonly to: string }
  | { readonly does: 'move'; readonly relation: RelationName; readonly to: string }
  | { readonly does: 'make'; readonly relation: RelationName }
  | { readonly does: 'set path'; readonly schemas: readonly string[] | undefined; readonly local: boolean }
  | { readonly does: 'call'; readonly routines: readonly RelationName[] }
  /** It may take away what nobody can tell from outside; `what` in words. */
  | { readonly does: 'anything'; readonly what: string };

export interface DroppedName extends RelationName {
  /** Of a routine whose arguments are given. */
  readonly arity?: number;
}

export interface EmptiedTable {
  readonly relation: RelationName;
  readonly only: boolean;
}

/** An action, and whether a DO block decides about it. */
export type PossibleAction = DownAction & { readonly perhaps?: true };

export interface DownParsers {
  readonly parse: Parser;
  readonly parseBlock: BlockParser;
}

/** The actions of a statement in their order; of a DO block those of all it may run. */
export function downActions(statement: string, parsers: DownParsers): PossibleAction[] {
  let nodes: SqlNode[];
  try {
    nodes = parsers.parse(statement).map(({ node }) => node);
  } catch {
    return [{ does: 'anything', what: 'a statement that cannot be read' }];
  }
  return nodes.flatMap((node) => {
    const block = asKind(node, 'DoStmt');
    return block === undefined ? actionsOf(node) : actionsOfBlock(block, parsers);
  });
}

function actionsOfBlock(block: NodeOf<'DoStmt'>, parsers: DownParsers): PossibleAction[] {
  const unknown: PossibleAction = { does: 'anything', what: 'a DO block' };
  const found = parsers.parseBlock(block);
  if (found === undefined) return [unknown];
  const actions = found.statements.flatMap((statement) => downActions(statement, parsers));
  const told = actions
    .filter(({ does }) => does !== 'anything')
    .map((action) => ({ ...action, perhaps: true as const }));
  return found.dynamic || told.length < actions.length ? [...told, unknown] : told;
}

function actionsOf(node: SqlNode): DownAction[] {
  const drop = asKind(node, 'DropStmt');
  if (drop) return dropOf(drop);
  const alter = asKind(node, 'AlterTableStmt');
  if (alter) return alterationsOf(alter);
  const truncate = asKind(node, 'TruncateStmt');
  if (truncate) {
    const tables = (truncate.relations ?? []).flatMap((range) => emptied(asKind(range, 'RangeVar')));
    return [{ does: 'truncate', tables, cascade: truncate.behavior === 'DROP_CASCADE' }];
  }
  const rename = asKind(node, 'RenameStmt');
  if (rename) return renameOf(rename);
  const move = asKind(node, 'AlterObjectSchemaStmt');
  if (move) return move.relation ? [{ does: 'move', relation: nameOf(move.relation), to: move.newschema ?? '' }] : [];
  const made =
    asKind(node, 'CreateStmt')?.relation ??
    asKind(node, 'ViewStmt')?.view ??
    asKind(node, 'CreateTableAsStmt')?.into?.rel;
  if (made) return [{ does: 'make', relation: nameOf(made) }];
  const set = asKind(node, 'VariableSetStmt');
  if (set) return pathOf(set);
  for (const [kind, what] of OPAQUE) if (asKind(node, kind)) return [{ does: 'anything', what }];
  return isQuery(node) ? queryActions(node) : [];
}

const OPAQUE = [
  ['DropOwnedStmt', 'DROP OWNED'],
  ['ExecuteStmt', 'EXECUTE'],
  ['AlterExtensionStmt', 'the script of an extension'],
  ['CreateExtensionStmt', 'the script of an extension'],
] as const;

const DROPPED: Readonly<Record<string, DroppedKind>> = {
  OBJECT_TABLE: 'relation',
  OBJECT_VIEW: 'relation',
  OBJECT_MATVIEW: 'relation',
  OBJECT_FOREIGN_TABLE: 'relation',
  OBJECT_SEQUENCE: 'relation',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'type',
  OBJECT_SCHEMA: 'schema',
  OBJECT_EXTENSION: 'extension',
  OBJECT_FUNCTION: 'routine',
  OBJECT_PROCEDURE: 'routine',
  OBJECT_ROUTINE: 'routine',
  OBJECT_AGGREGATE: 'routine',
};

function dropOf({ objects = [], removeType = 'OBJECT_TABLE', behavior }: NodeOf<'DropStmt'>): DownAction[] {
  const cascade = behavior === 'DROP_CASCADE';
  const kind = DROPPED[removeType];
  if (kind !== undefined) return [{ does: 'drop', kind, objects: objects.flatMap(droppedName), cascade }];
  // Without CASCADE there is no data in any of them.
  return cascade ? [{ does: 'anything', what: `${wordsOf(removeType)} CASCADE` }] : [];
}

function wordsOf(removeType: string): string {
  return `DROP ${removeType.replace('OBJECT_', '').replaceAll('_', ' ')}`;
}

function droppedName(node: SqlNode): DroppedName[] {
  const routine = asKind(node, 'ObjectWithArgs');
  const parts = routine?.objname ?? asKind(node, 'TypeName')?.names;
  const name = parts === undefined ? nameOfParts(node) : nameOfParts({ List: { items: parts } });
  if (name === undefined) return [];
  if (routine === undefined || routine.args_unspecified) return [name];
  return [{ ...name, arity: routine.objargs?.length ?? 0 }];
}

function alterationsOf({ relation, cmds = [], objtype }: NodeOf<'AlterTableStmt'>): DownAction[] {
  const commands = cmds.flatMap((cmd) => asKind(cmd, 'AlterTableCmd') ?? []);
  const name = nameOf(relation);
  return commands.flatMap(({ subtype, name: part = '', behavior }): DownAction[] => {
    const cascade = behavior === 'DROP_CASCADE';
    if (subtype === 'AT_DropColumn') {
      if (objtype === 'OBJECT_TYPE')
        return [{ does: 'anything', what: `the attribute ${part} of type ${writeName(name)}` }];
      return [{ does: 'drop column', relation: name, column: part, only: relation?.inh !== true, cascade }];
    }
    if (subtype === 'AT_DropConstraint' && cascade) {
      return [{ does: 'drop constraint', relation: name, constraint: part }];
    }
    return [];
  });
}

function renameOf({ renameType, relation, subname = '', newname = '' }: NodeOf<'RenameStmt'>): DownAction[] {
  if (renameType === 'OBJECT_SCHEMA') return [{ does: 'rename schema', from: subname, to: newname }];
  if (relation === undefined) return [];
  const name = nameOf(relation);
  if (renameType === 'OBJECT_COLUMN') return [{ does: 'rename column', relation: name, from: subname, to: newname }];
  return renameType !== undefined && RELATIONS.has(renameType) ? [{ does: 'rename', relation: name, to: newname }] : [];
}

const RELATIONS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_SEQUENCE',
]);

function pathOf({ name, kind, args = [], is_local }: NodeOf<'VariableSetStmt'>): DownAction[] {
  if (kind === 'VAR_RESET_ALL') return [{ does: 'set path', schemas: undefined, local: false }];
  if (name !== 'search_path') return [];
  const schemas = kind === 'VAR_SET_VALUE' ? args.map((arg) => asKind(arg, 'A_Const')?.sval?.sval ?? '') : undefined;
  return [{ does: 'set path', schemas, local: is_local === true }];
}

function isQuery(node: SqlNode): boolean {
  const kinds = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'CallStmt', 'CopyStmt'] as const;
  return kinds.some((kind) => asKind(node, kind) !== undefined);
}

/** Also of the queries in WITH. */
function queryActions(node: SqlNode): DownAction[] {
  const routines = findAll(node, 'FuncCall')
    .concat(callOf(node))
    .map(({ funcname = [] }) => nameOfParts({ List: { items: funcname } }));
  const deletes = [...deletesOf(node)].map(
    (statement): DownAction => ({
      does: 'delete',
      seeds: isOfSeeds(statement),
      ...emptied(statement.relation)[0]!,
    }),
  );
  const merges = findAll(node, 'MergeStmt')
    .filter(({ mergeWhenClauses }) =>
      findAll(mergeWhenClauses, 'MergeWhenClause').some(({ commandType }) => commandType === 'CMD_DELETE'),
    )
    .map((statement): DownAction => ({ does: 'delete', seeds: false, ...emptied(statement.relation)[0]! }));
  const path = pathOfCall(node);
  const called = routines.filter((name) => name !== undefined);
  return [
    ...deletes,
    ...merges,
    ...(path === undefined ? [] : [path]),
    ...(called.length > 0 ? [{ does: 'call' as const, routines: called }] : []),
  ];
}

function callOf(node: SqlNode): NodeOf<'FuncCall'>[] {
  const call = asKind(node, 'CallStmt')?.funccall;
  return call === undefined ? [] : [call];
}

function deletesOf(node: SqlNode): NodeOf<'DeleteStmt'>[] {
  return findAll(node, 'DeleteStmt');
}

/** As migrations/lib/seeds writes it: it deletes what the migration has inserted itself. */
function isOfSeeds({ relation, usingClause = [] }: NodeOf<'DeleteStmt'>): boolean {
  return (
    relation?.alias?.aliasname === 'seeded' &&
    usingClause.some(
      (item) =>
        asKind(item, 'RangeVar')?.schemaname === 'structdb' && asKind(item, 'RangeVar')?.relname === 'seeded_rows',
    )
  );
}

/** `select pg_catalog.set_config('search_path', '…', false)`, with which a dump begins. */
function pathOfCall(node: SqlNode): DownAction | undefined {
  for (const { funcname = [], args = [] } of findAll(node, 'FuncCall')) {
    if (nameOfParts({ List: { items: funcname } })?.name !== 'set_config') continue;
    const [setting, value, local] = args.map((arg) => asKind(arg, 'A_Const'));
    if (setting?.sval?.sval !== 'search_path' || value?.sval === undefined) continue;
    const schemas = (value.sval.sval ?? '').split(',').map((part) => part.trim().replace(/^"(.*)"$/, '$1'));
    return { does: 'set path', schemas, local: local?.boolval?.boolval === true };
  }
  return undefined;
}

function emptied(range: RangeVar | undefined): EmptiedTable[] {
  return range === undefined ? [] : [{ relation: nameOf(range), only: range.inh !== true }];
}
