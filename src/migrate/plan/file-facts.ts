import { asKind, findAll, loadParser, type SqlNode } from '../../core/parse-sql.ts';
import { compileMigration } from '../compile.ts';
import { namesOf, type Registry } from '../registry.ts';
import { nameOf, type RelationName, relationKey, writeName } from '../relation-name.ts';
import type { RelationLookup } from './relation-facts.ts';

/**
 * What the migrations themselves say about indexes and foreign keys: which table an index is on, which table a constraint
 * refers to. What they make in code (DO) stays unknown.
 */
export async function fileLookup(registry: Registry): Promise<RelationLookup> {
  const parse = await loadParser();
  const book = new Book();
  for (const name of namesOf(registry)) {
    for (const statement of await compileMigration(registry[name]!, 'up')) {
      try {
        for (const { node } of parse(statement)) book.enter(node);
      } catch {
        // Not readable: it is told as unknown where it stands.
      }
    }
  }
  return async () => (lock) => {
    switch (lock.on) {
      case 'itself':
        return [fact(writeName(lock.relation))];
      case 'table of index':
        return facts(book.tableOfIndex(lock.relation));
      case 'referenced tables':
        return facts(book.references(lock.relation, lock.constraint));
    }
  };
}

const fact = (relation: string) => ({ relation, rows: null, sizeBytes: null });
const facts = (relations: readonly string[] | undefined) => relations?.map(fact);

class Book {
  readonly #indexes = new Map<string, string>();
  /** By table: what each of its named constraints refers to; `false` when it is no foreign key. */
  readonly #constraints = new Map<string, Map<string, string | false>>();

  enter(node: SqlNode): void {
    const index = asKind(node, 'IndexStmt');
    if (index?.idxname) {
      const table = nameOf(index.relation);
      this.#indexes.set(relationKey({ schema: table.schema, name: index.idxname }), writeName(table));
    }
    const statement = asKind(node, 'CreateStmt') ?? asKind(node, 'AlterTableStmt');
    if (!statement) return;
    const table = relationKey(nameOf(statement.relation));
    const known = this.#constraints.get(table) ?? new Map<string, string | false>();
    if (asKind(node, 'CreateStmt') || known.size > 0 || this.#constraints.has(table))
      this.#constraints.set(table, known);
    for (const [position, { conname, pktable }] of findAll(statement, 'Constraint').entries()) {
      known.set(conname ?? `#${known.size}.${position}`, pktable ? writeName(nameOf(pktable)) : false);
    }
  }

  tableOfIndex(index: RelationName): readonly string[] | undefined {
    const table = this.#indexes.get(relationKey(index));
    return table === undefined ? undefined : [table];
  }

  references(table: RelationName, constraint: string | undefined): readonly string[] | undefined {
    const known = this.#constraints.get(relationKey(table));
    if (constraint === undefined) return known && [...known.values()].filter((target) => target !== false);
    const target = known?.get(constraint);
    return target === undefined ? undefined : target === false ? [] : [target];
  }
}
