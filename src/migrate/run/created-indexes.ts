/** An index that a statement creates, as the statement names it. */
export interface CreatedIndex {
  readonly name: string;
  readonly table: string;
  /** Absent where the search path decides. */
  readonly schema?: string;
}

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")+"|(?!concurrently\b|on\b|if\b)[\p{L}_][\p{L}\p{N}_$]*)`;
const CREATE_INDEX = new RegExp(
  String.raw`^\s*create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(${IDENTIFIER})\s+on\s+(?:only\s+)?(?:(${IDENTIFIER})\s*\.\s*)?(${IDENTIFIER})`,
  'iu',
);
/** Strings and quoted names are matched too, so that nothing in them is taken for a comment. */
const COMMENT = /('(?:[^']|'')*'|"(?:[^"]|"")*")|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** The index of a CREATE INDEX that gives it a name; undefined for any other statement. */
export function createdIndex(statement: string): CreatedIndex | undefined {
  const [, name, schema, table] = CREATE_INDEX.exec(withoutComments(statement)) ?? [];
  if (name === undefined || table === undefined) return undefined;
  return {
    name: nameOf(name),
    table: nameOf(table),
    ...(schema === undefined ? {} : { schema: nameOf(schema) }),
  };
}

function withoutComments(statement: string): string {
  return statement.replace(COMMENT, (_all, kept?: string) => kept ?? ' ');
}

const CONCURRENT =
  /^\s*(?:create\s+(?:unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex\s+(?:\([^)]*\)\s*)?\w+\s+concurrently)\s/i;
/** Says something of the session or of an index: waits for nobody long. */
const ASIDE = /^\s*(?:set|reset|comment\s+on\s+index)\s/i;

/**
 * Whether the statements build and drop indexes CONCURRENTLY and do nothing else. They wait for older transactions, for
 * minutes perhaps, and keep nobody waiting meanwhile; ended by a lock timeout they leave an invalid index.
 */
export function areConcurrentBuilds(statements: readonly string[]): boolean {
  const texts = statements.map(withoutComments).filter((text) => text.trim() !== '');
  return (
    texts.some((text) => CONCURRENT.test(text)) && texts.every((text) => CONCURRENT.test(text) || ASIDE.test(text))
  );
}

/** PostgreSQL folds the ASCII letters of what is not quoted, and cuts all names at 63 bytes. */
function nameOf(identifier: string): string {
  const name = identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"')
    : identifier.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length <= 63) return name;
  // Not in the middle of a character: a continuation byte is 10xxxxxx.
  let end = 63;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString('utf8');
}
