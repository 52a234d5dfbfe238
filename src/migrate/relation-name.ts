import type { RangeVar } from 'libpg-query';
import { asKind, type SqlNode } from '../core/parse-sql.ts';

/** A relation as SQL names it; without a schema, search_path decides. */
export interface RelationName {
  readonly schema: string | null;
  readonly name: string;
}

export function nameOf(range: RangeVar | undefined): RelationName {
  return { schema: range?.schemaname ?? null, name: range?.relname ?? '' };
}

/** From a dotted name as the parser gives it; `drop` leaves out that many last parts (a trigger's own name). */
export function nameOfParts(node: SqlNode | undefined, drop = 0): RelationName | undefined {
  const items = asKind(node, 'List')?.items ?? (node ? [node] : []);
  const parts = items.map((item) => asKind(item, 'String')?.sval ?? '');
  const kept = parts.slice(0, parts.length - drop);
  const name = kept.at(-1);
  return name === undefined || name === '' ? undefined : { schema: kept.at(-2) ?? null, name };
}

/** As it can be written in SQL: quoted only where it must be. */
export function writeName({ schema, name }: RelationName): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

/** The same relation by one text: without a schema, `public` is meant wherever search_path is PostgreSQL's own. */
export function relationKey({ schema, name }: RelationName): string {
  return writeName({ schema: schema ?? 'public', name });
}

function identifier(text: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
