import type { SchemaFact, SchemaFacts, SchemaObject } from './schema-facts.ts';

/** `missing`: expected, but not there. `unexpected`: there, but not expected. */
export type DifferenceKind = 'missing' | 'unexpected' | 'different';

export interface SchemaDifference {
  readonly object: SchemaObject;
  readonly name: string;
  readonly kind: DifferenceKind;
  /** Definitions; null where there is none. */
  readonly expected: string | null;
  readonly found: string | null;
}

export interface CompareOptions {
  /**
   * Objects to leave out, with all that is part of them: `public.alembic_version`, `public.tmp_*`, or with the kind of
   * object `owner *`, `privileges table public.*`. `*` stands for any text.
   */
  readonly ignore?: readonly string[];
}

/**
 * What differs, one entry per object, in the order of kind and name. Of a table that is missing or unexpected its
 * columns, indexes and so on are not told again.
 */
export function compareSchemas(
  expected: SchemaFacts,
  found: SchemaFacts,
  { ignore = [] }: CompareOptions = {},
): SchemaDifference[] {
  const wanted = byKey(expected.facts);
  const actual = byKey(found.facts);
  const isIgnored = ignoring(ignore, [wanted, actual]);
  const differences: SchemaDifference[] = [];
  for (const [key, fact] of wanted) {
    const other = actual.get(key);
    if (isIgnored(key) || other?.definition === fact.definition) continue;
    if (other !== undefined) differences.push(difference(fact, 'different', fact.definition, other.definition));
    else if (hasPlace(fact, actual)) differences.push(difference(fact, 'missing', fact.definition, null));
  }
  for (const [key, fact] of actual) {
    if (wanted.has(key) || MEMORY.has(key) || isIgnored(key) || !hasPlace(fact, wanted)) continue;
    differences.push(difference(fact, 'unexpected', null, fact.definition));
  }
  const position = ({ object }: SchemaDifference) => ORDER.indexOf(object);
  return differences.sort((a, b) => position(a) - position(b) || compareText(a.name, b.name));
}

/** One line for people: `different column public.projects.name: expected text not null, found text`. */
export function describeDifference({ object, name, kind, expected, found }: SchemaDifference): string {
  const what = `${kind} ${object} ${name}`;
  if (kind !== 'different') {
    const definition = (expected ?? found)!;
    // Of a table the word has been said; of a function or view the text is long.
    return SAYS_NOTHING.has(object) || definition.includes('\n') ? what : `${what}: ${inOneLine(definition)}`;
  }
  const [wanted, actual] = [expected!.split('\n'), found!.split('\n')];
  if (wanted.length === 1 && actual.length === 1) {
    const [before, now] = withoutLongStart(expected!, found!);
    return `${what}: expected ${inOneLine(before)}, found ${inOneLine(now)}`;
  }
  const at = wanted.findIndex((line, index) => line !== actual[index]);
  const line = at < 0 ? wanted.length : at;
  const quoted = (text: string | undefined) => (text === undefined ? 'its end' : `"${inOneLine(text)}"`);
  return `${what}: from line ${line + 1} on, expected ${quoted(wanted[line])}, found ${quoted(actual[line])}`;
}

const ORDER: readonly SchemaObject[] = [
  'schema',
  'setting',
  'type',
  'table',
  'view',
  'materialised view',
  'sequence',
  'column',
  'constraint',
  'index',
  'trigger',
  'rule',
  'policy',
  'statistics',
  'function',
  'owner',
  'privileges',
  'comment',
];

/** What migrations remember for their ways back, in tables that stay when all of them were taken back. */
const MEMORY: ReadonlySet<string> = new Set(['table structdb.migration_memory', 'table structdb.seeded_rows']);

const SAYS_NOTHING: ReadonlySet<SchemaObject> = new Set(['schema', 'table', 'view', 'materialised view', 'sequence']);
const LONGEST = 160;
const LONG_START = 40;

function byKey(facts: readonly SchemaFact[]): Map<string, SchemaFact> {
  return new Map(facts.map((fact) => [keyOf(fact), fact]));
}

function keyOf({ object, name }: Pick<SchemaFact, 'object' | 'name'>): string {
  return `${object} ${name}`;
}

/** Whether what the fact is part of is there on the other side; if it is not, that says it all. */
function hasPlace({ of }: SchemaFact, other: ReadonlyMap<string, SchemaFact>): boolean {
  return of === null || other.has(of);
}

function difference(
  { object, name }: SchemaFact,
  kind: DifferenceKind,
  expected: string | null,
  found: string | null,
): SchemaDifference {
  return { object, name, kind, expected, found };
}

function ignoring(patterns: readonly string[], sides: readonly ReadonlyMap<string, SchemaFact>[]) {
  const tests = patterns.map(globOf);
  const factOf = (key: string) => sides.map((side) => side.get(key)).find((fact) => fact !== undefined);
  const isIgnored = (key: string): boolean => {
    const fact = factOf(key);
    if (fact === undefined) return false;
    if (tests.some((test) => test.test(fact.name) || test.test(key))) return true;
    return fact.of !== null && isIgnored(fact.of);
  };
  return tests.length === 0 ? () => false : isIgnored;
}

function globOf(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}

/** Of two long definitions that begin alike only where they part is of interest, with two words before it. */
function withoutLongStart(a: string, b: string): [string, string] {
  let same = 0;
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) same += 1;
  const words = a.slice(0, same).split(' ');
  const start = words.slice(0, -3).join(' ').length;
  return start < LONG_START ? [a, b] : [`…${a.slice(start)}`, `…${b.slice(start)}`];
}

function inOneLine(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
