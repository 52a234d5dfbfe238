import { asKind, type NodeOf } from '../../core/parse-sql.ts';

/** What a DO block may run, in the order of its text, whatever its conditions. */
export interface BlockStatements {
  /** Its statements, and its expressions as SELECT. */
  readonly statements: readonly string[];
  /** Whether it also runs SQL that it puts together itself (EXECUTE), which could be anything. */
  readonly dynamic: boolean;
}

export type BlockParser = (block: NodeOf<'DoStmt'>) => BlockStatements | undefined;

let loading: Promise<BlockParser> | undefined;

/** PL/pgSQL's own parser (libpg_query). It answers undefined for another language, and where it cannot read the block. */
export function loadBlockParser(): Promise<BlockParser> {
  loading ??= import('libpg-query').then(async ({ loadModule, parsePlPgSQLSync }) => {
    await loadModule();
    return (block) => {
      const { body, language } = partsOf(block);
      if (body === undefined || language !== 'plpgsql') return undefined;
      try {
        return collect(parsePlPgSQLSync(`do ${dollarQuoted(body)}`));
      } catch {
        return undefined;
      }
    };
  });
  return loading;
}

function partsOf({ args = [] }: NodeOf<'DoStmt'>): { readonly body: string | undefined; readonly language: string } {
  const text = (name: string) => {
    const option = args.map((arg) => asKind(arg, 'DefElem')).find((element) => element?.defname === name);
    return asKind(option?.arg, 'String')?.sval;
  };
  return { body: text('as'), language: text('language') ?? 'plpgsql' };
}

function dollarQuoted(body: string): string {
  let tag = '$block$';
  while (body.includes(tag)) tag = `$x${tag.slice(1)}`;
  return `${tag}${body}${tag}`;
}

/** In which an expression is text of SQL, not SQL. */
const DYNAMIC: ReadonlySet<string> = new Set([
  'PLpgSQL_stmt_dynexecute',
  'PLpgSQL_stmt_dynfors',
  'PLpgSQL_stmt_return_query',
  'PLpgSQL_stmt_open',
]);
/** RawParseMode of the server: a statement, an expression; what is above is an assignment with its target. */
const STATEMENT = 0;
const EXPRESSION = 2;

function collect(tree: unknown): BlockStatements {
  const statements: string[] = [];
  let dynamic = false;
  const visit = (value: unknown, within: string) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, below] of Object.entries(value)) {
      if (key === 'PLpgSQL_expr') {
        const { query = '', parseMode = STATEMENT } = below as { query?: string; parseMode?: number };
        statements.push(asStatement(query, parseMode));
      } else if (isDynamic(within, key)) {
        const text = literalOf(below);
        if (text === undefined) dynamic = true;
        else if (!isHarmless(text.start)) {
          if (text.whole) statements.push(text.start);
          else dynamic = true;
        }
      } else {
        visit(below, DYNAMIC.has(key) ? key : Array.isArray(value) ? within : '');
      }
    }
  };
  visit(tree, '');
  return { statements, dynamic };
}

function isDynamic(within: string, key: string): boolean {
  if (within === 'PLpgSQL_stmt_dynexecute' || within === 'PLpgSQL_stmt_dynfors') return key === 'query';
  return within !== '' && key === 'dynquery';
}

function asStatement(query: string, parseMode: number): string {
  if (parseMode === STATEMENT) return query;
  if (parseMode === EXPRESSION) return `select ${query}`;
  return `select ${query.replace(/^[^=]*?:?=/, '')}`;
}

/** `'text'`, or the `'text'` of format('text', …), of which only the start is sure. */
function literalOf(expression: unknown): { readonly start: string; readonly whole: boolean } | undefined {
  const { query = '' } = (expression as { PLpgSQL_expr?: { query?: string } }).PLpgSQL_expr ?? {};
  const [, format, text, end] = /^\s*(format\s*\()?\s*'((?:[^']|'')*)'\s*(.*)$/is.exec(query) ?? [];
  if (text === undefined) return undefined;
  const start = text.replaceAll("''", "'");
  if (format === undefined) return end === '' ? { start, whole: true } : undefined;
  return { start, whole: end === ')' && !start.includes('%') };
}

/** Statements that take nothing away, whatever follows. */
const HARMLESS =
  /^\s*(grant|revoke|comment|lock|set|reset|analy[sz]e|notify|create|refresh|reindex|alter\s+(database|role|system))\s[^;]*$/i;

function isHarmless(start: string): boolean {
  return HARMLESS.test(start);
}
