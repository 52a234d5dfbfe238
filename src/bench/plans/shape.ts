import { createHash } from 'node:crypto';
import { nodesOf } from './explain.ts';
import type { PlanNode } from './plan-record.ts';

/**
 * Sixteen hexadecimal digits, equal for two plans that go the same way: the same nodes, relations, indexes, joins, sort
 * keys and conditions. What a run costs, how many rows it met, the values it asked for, the aliases of its statement and
 * how many workers helped do not count.
 */
export function hashPlan(root: PlanNode): string {
  const shape = JSON.stringify(shapeTree(root, aliasesOf(root)));
  return createHash('sha256').update(shape).digest('hex').slice(0, 16);
}

/** What a node does, without its inputs: equal for nodes of two plans that do the same. */
export function shapeOf(node: PlanNode, aliases: ReadonlyMap<string, string>): string {
  const { type, relation, index, join, strategy, partial, backward, parallel, role, details } = node;
  const conditions = Object.entries(details).map(([key, text]) => [key, stripValues(text, aliases)]);
  return JSON.stringify([type, relation, index, join, strategy, partial, backward, parallel, role, conditions]);
}

/** The relation behind each alias of a plan. */
export function aliasesOf(root: PlanNode): Map<string, string> {
  return new Map(
    nodesOf(root).flatMap(({ alias, relation }) =>
      alias === undefined ? [] : [[alias, relation ?? '(subquery)'] as const],
    ),
  );
}

/**
 * Strings, quoted names, words, parameters and numbers; what lies between is taken as it is. A value goes with the cast
 * behind it (`'-1'::integer`, `'x'::text`, `'{a,b}'::text[]`): a number has none where it is positive or not whole, and a
 * parameter of a plan for all values has none either. A backslash ends nothing: what writes conditions never writes E''.
 */
const TOKENS =
  /(?<string>[bx]?'(?:[^']|'')*'(?:::(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)(?:\.(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*))?(?: varying| precision)?(?:\(\d+(?:,\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])*)?)|(?<name>"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)|(?<number>\$\d+|\d+(?:\.\d*)?(?:e[+-]?\d+)?)/giu;

/** A condition with `?` for each value and the relation's name for its alias. */
export function stripValues(text: string, aliases: ReadonlyMap<string, string>): string {
  return text.replace(TOKENS, (token, ...rest) => {
    const { name } = rest.at(-1) as { readonly name?: string };
    if (name === undefined) return '?';
    const [offset, whole] = rest.slice(-3, -1) as [number, string];
    if (whole[offset + token.length] !== '.') return token;
    const plain = token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
    return aliases.get(plain) ?? token;
  });
}

type Tree = readonly [string, readonly Tree[]];

function shapeTree(node: PlanNode, aliases: ReadonlyMap<string, string>): Tree {
  return [shapeOf(node, aliases), node.inputs.map((input) => shapeTree(input, aliases))];
}
