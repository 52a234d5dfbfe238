import type { Kysely } from 'kysely';
import * as z from 'zod';
import { parseDuration } from '../../core/units.ts';
import type { Database } from '../../database/types.ts';
import { QUERY_CLASSES, type SuiteQuery } from './query.ts';

export type Draw = (db: Kysely<Database>) => Promise<unknown>;
export type Build = SuiteQuery<unknown>['build'];
export type Parameters = (drawn: unknown, turn: number) => readonly unknown[];

/** A function cannot be validated further before it is called. */
const callable = <F>(what: string) =>
  z.custom<F>((value) => typeof value === 'function', { error: `is not a function${what}` });

const name = (of: string) =>
  z.string({ error: `is missing: ${of} needs a name` }).regex(/^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,59}$/u, {
    error: ({ input }) => `${JSON.stringify(input)} is no name of letters, digits, "-", "_" and "." (60 at most)`,
  });

const query = z
  .strictObject({
    name: name('a query'),
    class: z
      .enum(QUERY_CLASSES as ['simple'], {
        error: ({ input }) => `${JSON.stringify(input)} is none of ${QUERY_CLASSES.join(', ')}`,
      })
      .default('simple'),
    asks: z.string().min(1).optional(),
    index: z.string().min(1).optional(),
    target: z
      .string({ error: 'is no text such as "5 ms"' })
      .refine((text) => (parseDuration(text) ?? 0) > 0, {
        error: ({ input }) => `${JSON.stringify(input)} is no duration such as "5 ms"`,
      })
      .optional(),
    build: callable<Build>(' (db, drawn, turn) => query').optional(),
    sql: z.string().min(1).optional(),
    parameters: callable<Parameters>(' (drawn, turn) => [values]').optional(),
  })
  .superRefine(({ build, sql, parameters }, context) => {
    if ((build === undefined) === (sql === undefined)) {
      context.addIssue({ code: 'custom', message: 'needs either "build" or "sql"' });
    } else if (build !== undefined && parameters !== undefined) {
      context.addIssue({ code: 'custom', message: '"parameters" belongs to "sql"; "build" is given what was drawn' });
    }
  });

const text = z.string({ error: 'is no text' }).min(1);

/** What a suite's file exports, or what a file of SQL was read as. Unknown keys are refused. */
export const suiteSchema = z.strictObject(
  {
    name: name('a suite').optional(),
    draw: z
      .union([callable<Draw>(''), z.record(z.string(), text)], {
        error: 'is neither a function nor an object of SELECTs, such as { account: "select …" }',
      })
      .optional(),
    setUp: z
      .union([text, z.array(text)], { error: 'is neither SQL, nor a .sql file, nor an array of them' })
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .default([]),
    queries: z.array(query, { error: 'is no array of queries' }).min(1, { error: 'holds no query' }),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'is no suite { name, queries: [ … ] }' : undefined) },
);

export type CheckedSuite = z.output<typeof suiteSchema>;
export type CheckedQuery = CheckedSuite['queries'][number];

/** Each problem in words, with the query it is about. */
export function problemsOf(error: z.ZodError, raw: unknown): string[] {
  return error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => {
      const where = place([...issue.path, ...(key === undefined ? [] : [key])], raw);
      return `${where}${key === undefined ? issue.message : 'is not a known key'}`;
    });
  });
}

/** `queries[2] "open-projects": target ` */
function place(path: readonly PropertyKey[], raw: unknown): string {
  const [first, index, ...rest] = path.map(String);
  if (first === undefined) return '';
  if (first !== 'queries' || index === undefined) return `${[first, index, ...rest].filter(Boolean).join('.')} `;
  const queries = (raw as { queries?: unknown }).queries;
  const named = (Array.isArray(queries) ? queries[Number(index)] : undefined) as { name?: unknown } | undefined;
  const who = typeof named?.name === 'string' ? ` ${JSON.stringify(named.name)}` : '';
  return `queries[${index}]${who}: ${rest.length === 0 ? '' : `${rest.join('.')} `}`;
}
