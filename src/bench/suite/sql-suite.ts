import { SqlSplitError, type SqlStatement, splitTokens } from '../../core/split-sql.ts';
import { type SqlToken, sqlTokens } from '../../core/sql-tokens.ts';
import { lineAt, SuiteProblem } from './problem.ts';

/** A file of SQL, read: what `defineSuite` takes, and where each query begins. */
export interface SqlSuite {
  readonly definition: {
    readonly draw: Readonly<Record<string, string>>;
    readonly setUp: readonly string[];
    readonly queries: readonly Readonly<Record<string, string>>[];
  };
  /** The line of each query's statement, from 1. */
  readonly lines: readonly number[];
  /** What is wrong with the comments; what they are about is left out of the definition. */
  readonly problems: readonly SuiteProblem[];
}

/** `-- target: 5 ms`, `-- draw account, day: select …` */
const MARK = /^--[ \t]{0,2}([A-Za-z]+)(?:[ \t]+([^:]*?))?[ \t]*:[ \t]*(.*?)\s*$/;
const SET_UP = /^--[ \t]{0,2}setUp\s*$/i;
/** A longer value goes on behind three spaces. */
const CONTINUED = /^--\s{3,}(\S.*?)\s*$/;
const OPTIONS = ['class', 'asks', 'target', 'index'] as const;

interface Header {
  readonly options: Record<string, string>;
  setUp: boolean;
}

/**
 * Reads a file of statements, each under comments that name it:
 *
 *     -- draw account: select distinct account_id from projects order by 1 limit 64
 *
 *     -- name: open-projects
 *     -- target: 5 ms
 *     select project_id from projects where account_id = :account limit 20;
 *
 * A statement under `-- setUp` is run once, after the rows are loaded. Comments above `-- name` are free.
 * @throws SuiteProblem with the line, of a text that cannot be split into statements
 */
export function readSqlSuite(text: string): SqlSuite {
  const tokens = sqlTokens(text);
  const statements = split(text, tokens);
  const draw: Record<string, string> = {};
  const setUp: string[] = [];
  const queries: Record<string, string>[] = [];
  const lines: number[] = [];
  const problems: SuiteProblem[] = [];
  let from = 0;
  for (const statement of statements) {
    const header = readHeader(text, commentsIn(text, tokens, from, statement.offset), draw, problems);
    const line = lineAt(text, statement.offset);
    if (header.setUp && header.options.name !== undefined) {
      problems.push(new SuiteProblem('a statement is a query or set-up, not both', line));
    } else if (header.setUp) {
      setUp.push(statement.text);
    } else if (header.options.name === undefined) {
      problems.push(new SuiteProblem('a statement without "-- name: …" above it', line));
    } else {
      queries.push({ ...header.options, sql: statement.text });
      lines.push(line);
    }
    from = statement.offset + statement.text.length;
  }
  const rest = commentsIn(text, tokens, from, text.length);
  const { options } = readHeader(text, rest, draw, problems);
  if (options.name !== undefined) {
    problems.push(new SuiteProblem(`no statement follows "-- name: ${options.name}"`, lineAt(text, rest[0]!.start)));
  }
  return { definition: { draw, setUp, queries }, lines, problems };
}

function split(text: string, tokens: readonly SqlToken[]): SqlStatement[] {
  try {
    return splitTokens(text, tokens);
  } catch (error) {
    if (error instanceof SqlSplitError) throw new SuiteProblem(error.message, lineAt(text, error.offset));
    throw error;
  }
}

function commentsIn(text: string, tokens: readonly SqlToken[], from: number, to: number): SqlToken[] {
  return tokens.filter(
    ({ kind, start }) => kind === 'comment' && start >= from && start < to && text.startsWith('--', start),
  );
}

/** What the comments between two statements say. Adds to `draw`, which holds for the whole file, and to its problems. */
function readHeader(
  text: string,
  comments: readonly SqlToken[],
  draw: Record<string, string>,
  problems: SuiteProblem[],
): Header {
  const header: Header = { options: {}, setUp: false };
  let grow: ((more: string) => void) | undefined;
  for (const { start, end } of comments) {
    const comment = text.slice(start, end);
    const refuse = (message: string) => void problems.push(new SuiteProblem(message, lineAt(text, start)));
    const more = CONTINUED.exec(comment)?.[1];
    if (more !== undefined) {
      grow?.(more);
      continue;
    }
    grow = undefined;
    if (SET_UP.test(comment)) {
      header.setUp = true;
      continue;
    }
    const [, key, what, value = ''] = MARK.exec(comment) ?? [];
    if (key === 'draw') {
      if (what === undefined || !/^[A-Za-z_]\w*(\s*,\s*[A-Za-z_]\w*)*$/.test(what)) {
        refuse('write "-- draw account: select …", with a name for each column');
      } else if (draw[what] !== undefined) {
        refuse(`a second "-- draw ${what}"`);
      } else {
        draw[what] = value;
        grow = (text) => {
          draw[what] += ` ${text}`;
        };
      }
    } else if (key !== undefined && what === undefined) {
      grow = take(header.options, key, value, refuse);
    }
  }
  return header;
}

/** Comments above `-- name` are free, unless they are an option: that would belong to no query. */
function take(
  options: Record<string, string>,
  key: string,
  value: string,
  refuse: (message: string) => void,
): ((more: string) => void) | undefined {
  const known = key === 'name' || (OPTIONS as readonly string[]).includes(key);
  if (!known) {
    if (options.name !== undefined)
      refuse(`"${key}" is not a known key; write name, ${OPTIONS.join(', ')}, draw or setUp`);
    return undefined;
  }
  if (key === 'name' && options.name !== undefined) {
    refuse(`no statement follows "-- name: ${options.name}"`);
    // What was said of that one is not said of the next.
    for (const each of Object.keys(options)) delete options[each];
  }
  if (options[key] !== undefined) {
    refuse(`a second "-- ${key}"`);
    return undefined;
  }
  options[key] = value;
  return (more) => {
    options[key] += ` ${more}`;
  };
}
