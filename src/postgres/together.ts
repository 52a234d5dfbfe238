import type pg from 'pg';
import { quoteLiteral } from './connect.ts';

type Parameter = string | number | null | readonly (string | null)[];

/** A statement, and its parameters as $1, $2 … */
export interface Statement {
  readonly text: string;
  readonly values?: readonly Parameter[];
}

/**
 * Runs statements one after the other in one round trip, and gives the answer of each. Where a statement takes a millisecond,
 * waiting for a turn of one's own process, which reads a file meanwhile, and of the server takes longer than the work. An error
 * ends them all. The protocol has parameters for single statements only: here they go into the text as literals, so that none
 * may stand where its type is not given ($1::text[]).
 */
export async function queryTogether(
  client: pg.Client,
  statements: readonly Statement[],
): Promise<pg.QueryResult<Record<string, unknown>>[]> {
  const text = statements.map(withLiterals).join(';\n');
  const results = (await client.query(text)) as unknown as pg.QueryResult[] | pg.QueryResult;
  return Array.isArray(results) ? results : [results];
}

function withLiterals({ text, values = [] }: Statement): string {
  return text.replaceAll(/\$(\d+)/g, (_, place: string) => literalOf(values[Number(place) - 1]!));
}

function literalOf(value: Parameter): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? quoteLiteral(value) : `array[${value.map(literalOf).join(', ')}]`;
}
