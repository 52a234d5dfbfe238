import type { ConnectionSettings } from '../../config/connection.ts';
import { mapConcurrently } from '../../core/concurrently.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { loadParser, type Parser, type SqlNode } from '../../core/parse-sql.ts';
import { compileMigration } from '../compile.ts';
import { type PlannedMigration, type PlanOptions, plan } from '../plan/plan.ts';
import { planDatabase } from '../plan/plan-database.ts';
import { type RegisteredMigration, registry as shipped } from '../registry.ts';
import { DEFAULT_LOCK_TIMEOUT_MS } from '../run/timeouts.ts';
import type { LintFinding, LintLevel, SuppressedFinding } from './lint-findings.ts';
import { firstLine, ownFindings } from './lint-rules.ts';
import { suppress, suppressionsOf } from './lint-suppressions.ts';

export type { LintFinding, SuppressedFinding } from './lint-findings.ts';

/** From here on a table is large: an index over it takes seconds. */
export const DEFAULT_LARGE_ROWS = 100_000;

export interface LintOptions extends Pick<PlanOptions, 'names' | 'registry'> {
  /** The database whose pending migrations are meant; without it all migrations, and no table is known to be large. */
  readonly connection?: ConnectionSettings;
  readonly largeRows?: number;
  /** What `up` would give the statements; 0 is no limit. */
  readonly lockTimeoutMs?: number;
}

export interface LintResult {
  /** The database whose sizes counted; null without one. */
  readonly database: string | null;
  /** The migrations that were looked at. */
  readonly migrations: readonly string[];
  readonly findings: readonly LintFinding[];
  readonly suppressed: readonly SuppressedFinding[];
  readonly errors: number;
  readonly warnings: number;
}

/** The oldest server that structdb works with: what suits it suits the later ones. */
const OLDEST_MAJOR = 15;

/** structdb limits both itself: see missing-lock-timeout. */
const NOT_ASKED = ['require-lock-timeout', 'require-statement-timeout', 'require-timeout-settings'];

/** Rules of squawk whose findings fail, or keep readers or writers waiting while a table is read or rewritten. */
const SEVERE: ReadonlySet<string> = new Set(
  ['adding-field-with-default', 'adding-foreign-key-constraint', 'adding-required-field', 'changing-column-type']
    .concat(['ban-concurrent-index-creation-in-transaction', 'ban-drop-database', 'ban-truncate-cascade'])
    .concat(['ban-uncommitted-transaction', 'constraint-missing-not-valid', 'disallowed-unique-constraint'])
    .concat(['renaming-column', 'renaming-table', 'transaction-nesting']),
);

/**
 * What the rules of structdb and of squawk find in the way up of the migrations. Reads only.
 * @throws PACKAGE_MISSING without squawk-cli, USAGE for a name that does not exist
 */
export async function lint(options: LintOptions, context: RunContext): Promise<LintResult> {
  const { connection, names, registry = shipped } = options;
  const { largeRows = DEFAULT_LARGE_ROWS, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options;
  const wanted = { registry, ...(names === undefined ? {} : { names }) };
  const planned =
    connection === undefined ? await plan(wanted) : (await planDatabase({ ...wanted, connection }, context)).migrations;
  const parse = await loadParser();
  const outcomes = await mapConcurrently(planned, 2, async (one) => {
    const migration = registry[one.name]!;
    const parsed = one.statements.map((statement) => nodesOf(statement, parse));
    const back = await statementsBack(migration);
    const own = ownFindings({ planned: one, migration, back, parsed, largeRows, lockTimeoutMs });
    const found = [...own, ...(await squawkFindings(one, context.signal))].sort(byStatement);
    return suppress(one.name, found, suppressionsOf(migration, one.statements));
  });
  const findings = outcomes.flatMap((outcome) => outcome.findings);
  const count = (level: LintLevel) => findings.filter((finding) => finding.level === level).length;
  return Object.freeze({
    database: connection?.database ?? null,
    migrations: planned.map(({ name }) => name),
    findings,
    suppressed: outcomes.flatMap(({ suppressed }) => suppressed),
    errors: count('error'),
    warnings: count('warning'),
  });
}

/** Findings of level error break the promise; warnings do not. */
export function judgeLint({ errors, findings }: LintResult): StructdbError | undefined {
  if (errors === 0) return undefined;
  const names = [...new Set(findings.filter(({ level }) => level === 'error').map(({ migration }) => migration))];
  return new StructdbError(
    'LINT_FAILED',
    `lint found ${errors} ${errors === 1 ? 'error' : 'errors'} in ${names.join(', ')}.`,
    { hint: 'Correct them, or say in the file why a rule does not apply (docs/migrate.md, "Lint").' },
  );
}

/** Not known (undefined) also where a down asks the database what it has to do, and cannot go on without an answer. */
async function statementsBack(migration: RegisteredMigration): Promise<readonly string[] | undefined> {
  if (migration.down === undefined) return undefined;
  return compileMigration(migration, 'down').catch(() => undefined);
}

function nodesOf(statement: string, parse: Parser): SqlNode[] {
  try {
    return parse(statement).map(({ node }) => node);
  } catch {
    return [];
  }
}

async function squawkFindings(planned: PlannedMigration, signal: AbortSignal): Promise<LintFinding[]> {
  const { name, statements, transactional } = planned;
  if (statements.length === 0) return [];
  // The line that each statement begins on; its semicolon on a line of its own, because a comment may end it.
  const begins: number[] = [];
  let text = '';
  let line = 0;
  for (const statement of statements) {
    begins.push(line);
    text += `${statement}\n;\n`;
    line += statement.split('\n').length + 1;
  }
  // Read only here: what runs programs takes longer to load than a short command to run.
  const { runSquawk } = await import('../../programs/squawk.ts');
  const found = await runSquawk(text, { major: OLDEST_MAJOR, transactional, exclude: NOT_ASKED, signal });
  return found.map(({ rule, level, message, help, line: at }) => {
    const index = begins.findLastIndex((first) => first <= at);
    return {
      migration: name,
      statement: index + 1,
      rule,
      level: SEVERE.has(rule) ? 'error' : level,
      message,
      help: help ?? `See https://squawkhq.com/docs/${rule}`,
      sql: firstLine(statements[index]!),
    };
  });
}

function byStatement(a: LintFinding, b: LintFinding): number {
  return (a.statement ?? 0) - (b.statement ?? 0);
}
