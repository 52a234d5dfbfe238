import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { platformSuite } from '../../../benchmarks/suites/platform.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { describeImportFailure } from '../../core/import-failure.ts';
import { importModule } from '../../core/import-module.ts';
import { splitSql } from '../../core/split-sql.ts';
import { buildSuite } from './build-suite.ts';
import { SuiteProblem } from './problem.ts';
import type { Suite, SuiteSources } from './query.ts';
import { readSqlSuite, type SqlSuite } from './sql-suite.ts';
import { suiteFiles } from './suite-files.ts';
import { checkDefinition } from './suite-schema.ts';

/** What a suite is recognised by: two runs of suites with different hashes did not ask the same. */
export interface SuiteFacts {
  readonly name: string;
  readonly hash: string;
  readonly queries: number;
}

/** A suite that is run, of one or several. */
export interface LoadedSuite extends Suite {
  /** Run once after the rows are loaded, one statement after the other; part of what makes two data sets equal. */
  readonly setUp: readonly string[];
  readonly members: readonly SuiteMember[];
}

/** One of the suites that are run together. */
export interface SuiteMember {
  readonly name: string;
  /** Relative to the project; null for the suite that ships. */
  readonly file: string | null;
  readonly queries: readonly string[];
}

interface Loaded {
  readonly suite: Suite;
  readonly file: string | null;
  readonly setUp: readonly string[];
}

interface ReadFile {
  /** Its names, also where something else is wrong. */
  readonly member?: SuiteMember;
  /** Undefined when something is wrong. */
  readonly found?: Loaded;
  readonly wrong: readonly string[];
}

export const BUILT_IN_SUITE = 'platform';

/**
 * The queries of the platform, or those of the sources together.
 * @throws BENCH_SUITE_INVALID that lists every problem, with file and line
 */
export async function loadSuite(sources?: SuiteSources): Promise<LoadedSuite> {
  const { suites, projectRoot } = sources?.suites.length ? sources : { suites: [BUILT_IN_SUITE], projectRoot: '' };
  const problems: string[] = [];
  const loaded: Loaded[] = [];
  const members: SuiteMember[] = [];
  const seen = new Set<string>();
  for (const source of suites) {
    if (source === BUILT_IN_SUITE) {
      if (seen.has(source)) continue;
      seen.add(source);
      loaded.push({ suite: platformSuite as Suite, file: null, setUp: [] });
      members.push({ name: source, file: null, queries: platformSuite.queries.map(({ name }) => name) });
      continue;
    }
    try {
      for (const file of suiteFiles(path.resolve(projectRoot, source))) {
        const real = realpathSync(file);
        if (seen.has(real)) continue;
        seen.add(real);
        const { member, found, wrong } = await loadFile(file, shownFrom(projectRoot, file));
        problems.push(...wrong);
        if (member) members.push(member);
        if (found) loaded.push(found);
      }
    } catch (error) {
      if (!(error instanceof SuiteProblem)) throw error;
      problems.push(`${source}: ${error.message}`);
    }
  }
  problems.push(...twins(members));
  if (problems.length > 0) throw unusable(problems);
  return { ...together(loaded, members), ...(sources ? { sources } : {}) };
}

/** Hashes the statements as they are compiled for the first turn, with names, classes and targets. */
export function factsOf(suite: Suite, statements: readonly string[]): SuiteFacts {
  const hash = createHash('sha256');
  suite.queries.forEach((query, place) => {
    hash.update(JSON.stringify([query.name, query.class, query.targetMs ?? null, statements[place]]));
  });
  return { name: suite.name, hash: hash.digest('hex').slice(0, 16), queries: suite.queries.length };
}

/** One suite of several: each query is given what its own suite drew. */
function together(loaded: readonly Loaded[], members: readonly SuiteMember[]): LoadedSuite {
  const setUp = loaded.flatMap((each) => each.setUp);
  const [only] = loaded;
  if (only && loaded.length === 1) return { ...only.suite, setUp, members };
  return {
    name: members.map(({ name }) => name).join('+'),
    setUp,
    members,
    draw: async (db) => {
      const drawn: unknown[] = [];
      for (const { suite } of loaded) drawn.push(await suite.draw(db));
      return drawn;
    },
    queries: loaded.flatMap(({ suite }, place) =>
      suite.queries.map((query) => ({
        ...query,
        build: (db, drawn, turn) => query.build(db, (drawn as readonly unknown[])[place], turn),
      })),
    ),
  };
}

function shownFrom(projectRoot: string, file: string): string {
  const relative = path.relative(projectRoot, file);
  return relative.startsWith('..') ? file : relative;
}

/** What a file says, with every problem of it. */
async function loadFile(file: string, shown: string): Promise<ReadFile> {
  const wrong: string[] = [];
  const tell = ({ message, line }: SuiteProblem) => {
    wrong.push(`${shown}${line === undefined ? '' : `:${line}`}: ${message}`);
  };
  try {
    const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
    const read: { readonly definition: unknown } & Partial<Omit<SqlSuite, 'definition'>> = file.endsWith('.sql')
      ? readSqlSuite(text)
      : { definition: await importDefinition(file, text) };
    read.problems?.forEach(tell);
    // No query that could be read: which one, or what is wrong with it, was told.
    if (wrong.length > 0 && read.lines?.length === 0) return { wrong };
    const { checked, places, names, problems } = checkDefinition(read.definition);
    wrong.push(...problems.map((problem) => `${shown}: ${problem}`));
    const name = names.suite ?? path.basename(file).replace(/\.[a-z]+$/, '');
    const member = { name, file: shown, queries: names.queries };
    if (checked === undefined) return { member, wrong };
    const { lines } = read;
    const origin = { name, file: shown, ...(lines ? { lines: places.map((place) => lines[place]!) } : {}) };
    const built = await buildSuite(checked, origin);
    wrong.push(...built.problems);
    const setUp = checked.setUp.flatMap((each) => {
      try {
        return setUpStatements(each, file);
      } catch (error) {
        if (!(error instanceof SuiteProblem)) throw error;
        tell(error);
        return [];
      }
    });
    return wrong.length > 0 ? { member, wrong } : { member, found: { suite: built.suite, file: shown, setUp }, wrong };
  } catch (error) {
    if (!(error instanceof SuiteProblem)) throw error;
    tell(error);
    return { wrong };
  }
}

async function importDefinition(file: string, text: string): Promise<unknown> {
  let module: { readonly default?: unknown };
  try {
    module = await importModule(file);
  } catch (error) {
    const { message, line } = await describeImportFailure(error, file, text);
    throw new SuiteProblem(message, line);
  }
  if (module.default !== undefined) return module.default;
  throw new SuiteProblem(
    'it has no default export; write "export default defineSuite({ … })", or move it into a subfolder',
  );
}

/** Statements, or those of a file beside the suite. */
function setUpStatements(setUp: string, file: string): string[] {
  const isFile = /^\S+\.sql$/.test(setUp);
  try {
    const text = isFile ? readFileSync(path.resolve(path.dirname(file), setUp), 'utf8') : setUp;
    return splitSql(text).map((statement) => statement.text);
  } catch (error) {
    throw new SuiteProblem(`setUp${isFile ? ` ${setUp}` : ''}: ${messageOf(error)}`);
  }
}

function twins(members: readonly SuiteMember[]): string[] {
  const problems: string[] = [];
  const suites = new Map<string, string>();
  const seen = new Map<string, string>();
  for (const { name: suite, file, queries } of members) {
    const from = file ?? 'the suite that ships';
    const other = suites.get(suite);
    if (other !== undefined)
      problems.push(`${from}: a second suite named "${suite}", as in ${other}; give it another name`);
    suites.set(suite, from);
    for (const name of queries) {
      const first = seen.get(name);
      if (first !== undefined) {
        const where = first === from ? '' : `, as in ${first}`;
        problems.push(`${from}: a second query named "${name}"${where}; give it another name`);
      }
      seen.set(name, from);
    }
  }
  return problems;
}

function unusable(problems: readonly string[]): StructdbError {
  const hint = 'Correct the suite; docs/bench-suites.md has an example of each kind.';
  return problems.length === 1
    ? new StructdbError('BENCH_SUITE_INVALID', `${problems[0]}.`, { hint })
    : new StructdbError('BENCH_SUITE_INVALID', `The suites have ${problems.length} problems.`, {
        details: problems,
        hint,
      });
}
