import { type Kysely, sql } from 'kysely';
import { messageOf } from '../../core/errors.ts';
import { splitSql } from '../../core/split-sql.ts';
import type { Database } from '../../database/types.ts';
import { checkStatement } from './check-statement.ts';
import { numberParameters } from './named-parameters.ts';
import { invalid, SuiteProblem } from './problem.ts';
import type { CheckedSuite, Draw } from './suite-schema.ts';

/** More would only make a run slower to begin. */
const MOST_DRAWN = 1000;

/** Drawn by SQL: the values of each name. */
export type Values = Readonly<Record<string, readonly (string | null)[]>>;

/** What is wrong with the SELECTs, in words. */
export async function problemsOfDraw(draw: Readonly<Record<string, string>>, file: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [names, text] of Object.entries(draw)) {
    const problem = await check(text).catch(messageOf);
    if (problem !== undefined) problems.push(`${file}: draw ${names}: ${problem}`);
  }
  return problems;
}

/** The names of the columns of one SELECT: `account, day`. */
export function namesIn(names: string): string[] {
  return names.split(',').map((name) => name.trim());
}

async function check(text: string): Promise<undefined> {
  const { names, sql: numbered } = numberParameters(text);
  if (names.length > 0) throw new SuiteProblem(`":${names[0]}" cannot stand in what is drawn`);
  await checkStatement(numbered);
  return undefined;
}

/** What a suite draws with, its errors told with the file. */
export function drawer(draw: CheckedSuite['draw'], file: string): Draw {
  if (draw === undefined) return async () => ({});
  if (typeof draw === 'function') {
    return async (db) => {
      try {
        return structuredClone(await draw(db));
      } catch (error) {
        throw invalid(
          `${file}: draw failed: ${messageOf(error)}.`,
          'Correct it; what it gives must be plain values.',
          error,
        );
      }
    };
  }
  return async (db) => {
    const values: Record<string, readonly (string | null)[]> = {};
    for (const [names, text] of Object.entries(draw)) Object.assign(values, await drawColumns(db, names, text, file));
    return values;
  };
}

/** As text, which PostgreSQL takes for every type exactly as it was. */
async function drawColumns(db: Kysely<Database>, names: string, text: string, file: string): Promise<Values> {
  const columns = namesIn(names);
  const texts = columns.map((name) => sql`${sql.ref(name)}::text as ${sql.ref(name)}`);
  let rows: Record<string, string | null>[];
  try {
    ({ rows } = await sql<Record<string, string | null>>`
      select ${sql.join(texts)} from (${sql.raw(splitSql(text)[0]!.text)}) as drawn (${sql.join(columns.map((name) => sql.ref(name)))}) limit ${sql.lit(MOST_DRAWN)}`.execute(
      db,
    ));
  } catch (error) {
    throw invalid(
      `${file}: draw ${names}: ${messageOf(error)}.`,
      'Correct the SELECT; it needs a column for each name.',
      error,
    );
  }
  if (rows.length === 0) throw invalid(`${file}: draw ${names}: it finds no rows.`, 'Ask for values that are there.');
  return Object.fromEntries(columns.map((name) => [name, rows.map((row) => row[name]!)]));
}
