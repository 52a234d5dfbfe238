import type { Node } from 'libpg-query';

export type SqlNode = Node;
type Kind = Node extends infer Each ? (Each extends unknown ? keyof Each : never) : never;
/** The names of PostgreSQL's parse nodes: `AlterTableStmt`, `IndexStmt`, … */
export type NodeKind = Extract<Kind, string>;
export type NodeOf<K extends NodeKind> = Extract<Node, Record<K, unknown>>[K];

/** One statement of a text. */
export interface ParsedStatement {
  readonly node: SqlNode;
}

export type Parser = (text: string) => ParsedStatement[];

let loading: Promise<Parser> | undefined;

/**
 * PostgreSQL's own parser, of version 18, compiled to WebAssembly (libpg_query). Loaded on first use: it takes 50 ms.
 * The parser throws what PostgreSQL would say of a text that is no SQL.
 */
export function loadParser(): Promise<Parser> {
  loading ??= import('libpg-query').then(async ({ loadModule, parseSync }) => {
    await loadModule();
    return (text) => (parseSync(text).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [{ node: stmt }]));
  });
  return loading;
}

/** The node when it is of this kind. */
export function asKind<K extends NodeKind>(node: SqlNode | undefined, kind: K): NodeOf<K> | undefined {
  return (node as Readonly<Record<string, unknown>> | undefined)?.[kind] as NodeOf<K> | undefined;
}

/** Every node of a kind anywhere below, the node itself included. */
export function findAll<K extends NodeKind>(tree: unknown, kind: K): NodeOf<K>[] {
  const found: NodeOf<K>[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, below] of Object.entries(value)) {
      if (key === kind) found.push(below as NodeOf<K>);
      visit(below);
    }
  };
  visit(tree);
  return found;
}
