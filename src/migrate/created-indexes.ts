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
  const [, name, schema, table] =
    CREATE_INDEX.exec(statement.replace(COMMENT, (_all, kept?: string) => kept ?? ' ')) ?? [];
  if (name === undefined || table === undefined) return undefined;
  return {
    name: nameOf(name),
    table: nameOf(table),
    ...(schema === undefined ? {} : { schema: nameOf(schema) }),
  };
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
