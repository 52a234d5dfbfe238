import { messageOf } from '../../core/errors.ts';
import { asKind, findAll, loadParser, type NodeKind } from '../../core/parse-sql.ts';
import { lineAt, SuiteProblem } from './problem.ts';

const WRITES = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
} as const satisfies Partial<Record<NodeKind, string>>;

/**
 * That a text is one statement of PostgreSQL's grammar, and one that reads. What only the server knows, tables and
 * functions, is found when the suite is tried before it is timed.
 * @throws SuiteProblem with the line within the text
 */
export async function checkStatement(sql: string): Promise<void> {
  const parse = await loadParser();
  const statements = parsed(parse, sql);
  const [first] = statements;
  if (first === undefined || statements.length !== 1) {
    throw new SuiteProblem(`it is ${statements.length} statements; a query is one`);
  }
  for (const [kind, word] of Object.entries(WRITES)) {
    if (findAll(first.node, kind as NodeKind).length > 0) throw writes(word);
  }
  const select = asKind(first.node, 'SelectStmt');
  if (select === undefined) throw new SuiteProblem('it is no SELECT; a benchmark only reads');
  if (hasInto(first.node)) throw writes('SELECT INTO');
  if (findAll(first.node, 'LockingClause').length > 0) {
    throw new SuiteProblem('it locks rows (FOR UPDATE or SHARE), which a session that only reads may not');
  }
}

function writes(word: string): SuiteProblem {
  return new SuiteProblem(`it writes (${word}); a benchmark only reads, write into the database with setUp`);
}

/** The clause has no node of its own around it. */
function hasInto(tree: unknown): boolean {
  return JSON.stringify(tree).includes('"intoClause":');
}

function parsed(parse: Awaited<ReturnType<typeof loadParser>>, sql: string): ReturnType<typeof parse> {
  try {
    return parse(sql);
  } catch (error) {
    const at = (error as { sqlDetails?: { cursorPosition?: number } }).sqlDetails?.cursorPosition;
    throw new SuiteProblem(messageOf(error), at === undefined || at < 0 ? undefined : lineAt(sql, at));
  }
}
