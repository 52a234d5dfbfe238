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

/** A definition that was looked at: what of it can be used, and what is wrong with the rest. */
export interface CheckedDefinition {
  /** Without what is wrong, so that its statements can be looked at all the same; undefined when no query is left. */
  readonly checked?: CheckedSuite;
  /** Where each query of `checked` stands among those of the definition. */
  readonly places: readonly number[];
  /** As they were given, also of what is wrong. */
  readonly names: { readonly suite?: string; readonly queries: readonly string[] };
  readonly problems: readonly string[];
}

/** Looks at a definition. A problem of one query does not hide what is wrong with the others. */
export function checkDefinition(raw: unknown): CheckedDefinition {
  const names = namesOf(raw);
  const whole = suiteSchema.safeParse(raw);
  if (whole.success) return { checked: whole.data, places: [...whole.data.queries.keys()], names, problems: [] };
  const problems = problemsOf(whole.error, raw);
  const { queries, ...rest } = (raw ?? {}) as Record<string, unknown>;
  if (!Array.isArray(queries)) return { places: [], names, problems };
  const { issues } = whole.error;
  const wrong = new Set(issues.flatMap(({ path: [key, at] }) => (key === 'queries' ? [at] : [])));
  const places = [...queries.keys()].filter((place) => !wrong.has(place));
  for (const issue of issues) {
    const keys = issue.path.length === 0 && issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0])];
    for (const key of keys) delete rest[key];
    // Which names a draw gives that cannot be read, nobody knows: a function may give any.
    if (keys.includes('draw')) rest.draw = async () => ({});
  }
  const left = suiteSchema.safeParse({ ...rest, queries: places.map((place) => queries[place]) });
  return { ...(left.success ? { checked: left.data } : {}), places, names, problems };
}

function namesOf(raw: unknown): CheckedDefinition['names'] {
  const { name, queries } = (raw ?? {}) as { readonly name?: unknown; readonly queries?: unknown };
  const named = (Array.isArray(queries) ? queries : []) as readonly ({ readonly name?: unknown } | undefined | null)[];
  return {
    ...(typeof name === 'string' ? { suite: name } : {}),
    queries: named.flatMap((query) => (typeof query?.name === 'string' ? [query.name] : [])),
  };
}

/** Each problem in words, with the query it is about. */
function problemsOf(error: z.ZodError, raw: unknown): string[] {
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
