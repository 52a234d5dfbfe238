import { parseDuration } from '../../core/units.ts';
import { checkStatement } from './check-statement.ts';
import { drawer, namesIn, problemsOfDraw, type Values } from './draw.ts';
import { numberParameters } from './named-parameters.ts';
import { calling, invalid, SuiteProblem } from './problem.ts';
import type { Suite, SuiteQuery } from './query.ts';
import type { Build, CheckedQuery, CheckedSuite } from './suite-schema.ts';

export interface SuiteOrigin {
  readonly name: string;
  /** As it is told: relative to the project. */
  readonly file: string;
  /** Where each query begins, from 1; of files of SQL. */
  readonly lines?: readonly number[];
}

/**
 * The suite of a checked definition. What users wrote is called inside functions that tell its errors with file and name.
 * @returns the suite, or every problem of its statements
 */
export async function buildSuite(
  { draw, queries }: CheckedSuite,
  origin: SuiteOrigin,
): Promise<{ readonly suite: Suite; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const drawnNames = typeof draw === 'object' ? new Set(Object.keys(draw).flatMap(namesIn)) : undefined;
  if (typeof draw === 'object') problems.push(...(await problemsOfDraw(draw, origin.file)));
  const built: SuiteQuery<unknown>[] = [];
  for (const [place, query] of queries.entries()) {
    const line = origin.lines?.[place];
    try {
      built.push(await buildQuery(query, drawnNames, origin.file));
    } catch (error) {
      if (!(error instanceof SuiteProblem)) throw error;
      const at = line === undefined ? '' : `:${line + (error.line ?? 1) - 1}`;
      problems.push(`${origin.file}${at}: "${query.name}": ${error.message}`);
    }
  }
  return {
    suite: { name: origin.name, draw: drawer(draw, origin.file), queries: built },
    problems,
  };
}

async function buildQuery(
  query: CheckedQuery,
  drawnNames: ReadonlySet<string> | undefined,
  file: string,
): Promise<SuiteQuery<unknown>> {
  const { name, class: ofClass, asks = name, index, target } = query;
  const build = query.sql === undefined ? guarded(query, file) : await buildSql(query, query.sql, drawnNames, file);
  return {
    name,
    class: ofClass,
    asks,
    ...(index === undefined ? {} : { index }),
    ...(target === undefined ? {} : { targetMs: parseDuration(target)! }),
    build,
  };
}

function guarded({ name, build }: CheckedQuery, file: string): Build {
  const own = build!;
  return (db, drawn, turn) => {
    const built = calling(`${file}: the build of "${name}"`, () => own(db, drawn, turn));
    if (typeof built?.compile === 'function') return built;
    const what = built instanceof Promise ? 'a promise: write it without async, await and execute()' : 'no query';
    throw invalid(`${file}: the build of "${name}" returned ${what}.`, 'Return a query of Kysely.');
  };
}

async function buildSql(
  { name, parameters }: CheckedQuery,
  text: string,
  drawnNames: ReadonlySet<string> | undefined,
  file: string,
): Promise<Build> {
  const { sql: numbered, names } = numberParameters(text);
  if (parameters !== undefined && names.length > 0) {
    throw new SuiteProblem(`it has ":${names[0]}" and "parameters"; write one of both`);
  }
  const unknown = drawnNames && names.find((each) => !drawnNames.has(each));
  if (unknown !== undefined) {
    const known = [...drawnNames!].map((each) => `:${each}`).join(', ');
    throw new SuiteProblem(`":${unknown}" is not drawn${known === '' ? '' : `; what is: ${known}`}`);
  }
  await checkStatement(numbered);
  if (parameters === undefined) {
    return (_db, drawn, turn) => {
      const values = names.map((each) => valueAt(drawn as Values, each, turn, `${file}: "${name}"`));
      return { compile: () => ({ sql: numbered, parameters: values }) };
    };
  }
  return (_db, drawn, turn) => {
    const values = calling(`${file}: the parameters of "${name}"`, () => parameters(drawn, turn));
    if (Array.isArray(values)) return { compile: () => ({ sql: numbered, parameters: values }) };
    throw invalid(`${file}: the parameters of "${name}" are no array.`, 'Return the values of $1, $2, … in an array.');
  };
}

/** The value of this turn. */
function valueAt(drawn: Values, name: string, turn: number, where: string): string | null {
  const values = drawn[name];
  if (Array.isArray(values) && values.length > 0) return values[turn % values.length] as string | null;
  throw invalid(`${where}: nothing is drawn for ":${name}".`, `Give "${name}" as an array of values in draw.`);
}
