import { StructdbError } from '../../core/errors.ts';
import { unitOf } from '../units.ts';
import { type Field, findField } from './fields.ts';
import type { Filter, NumberOperator, Quantity, Term, Word } from './filter.ts';
import { parseNumber, parseUnit, rational, UNIT_NAMES } from './quantity.ts';

/**
 * Reads a filter in the language of docs/catalog-search.md. An empty text is the filter that everything passes.
 * @param further names of properties that structdb does not know but the database has
 * @throws FILTER_INVALID with the place and what is known there; nothing else
 */
export function parseFilter(text: string, further: readonly string[] = []): Filter {
  const scanner = new Scanner(text);
  if (scanner.atEnd()) return { terms: [] };
  const terms = [readTerm(scanner, further)];
  while (scanner.take(/,/y)) terms.push(readTerm(scanner, further));
  if (!scanner.atEnd()) {
    throw scanner.error(
      `expected a comma before "${scanner.rest()}"`,
      'Terms are parted by commas: W, Zx >= 200, d <= 24',
    );
  }
  return { terms };
}

/** The problem of a filter with a line that points at it. */
export function filterError(text: string, at: number, problem: string, hint?: string): StructdbError {
  // A control character would break the line that the caret stands under.
  const line = text.replace(/\p{Cc}/gu, ' ');
  return new StructdbError('FILTER_INVALID', `The filter cannot be read: ${problem}`, {
    details: [line, `${' '.repeat([...line.slice(0, at)].length)}^`],
    hint: hint ?? 'docs/catalog-search.md describes the filter language.',
  });
}

/** A text and how far it was read. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next thing begins. */
  get at(): number {
    this.#skipBlanks();
    return this.#at;
  }

  atEnd(): boolean {
    return this.at === this.#text.length;
  }

  /** The first characters of what is left, for messages. */
  rest(): string {
    const rest = [...this.#text.slice(this.at)];
    return rest.length > 20 ? `${rest.slice(0, 20).join('')}…` : rest.join('');
  }

  /** Takes what matches here, after blanks; the expression is sticky. */
  take(expression: RegExp): string | undefined {
    expression.lastIndex = this.at;
    const match = expression.exec(this.#text);
    if (!match) return undefined;
    this.#at = expression.lastIndex;
    return match[0];
  }

  error(problem: string, hint?: string, at = this.at): StructdbError {
    return filterError(this.#text, at, problem, hint);
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}

/** Anything but what parts words: `W14*`, `bf/2tf`, `tan(α)`. */
const WORD = /[^\s,|<>=!≤≥≠"]+/y;
const OPERATOR = /<=|>=|!=|<>|==|[<>=≤≥≠]/y;
const OPERATORS: Readonly<Record<string, NumberOperator>> = { '==': '=', '<>': '!=', '≠': '!=', '≤': '<=', '≥': '>=' };
const NUMBER = /[+-]?(?:\d+(?: +|-)\d+\/\d+|\d+\/\d+|(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:e[+-]?\d{1,3})?)/iy;
/** Units, and anything else that somebody may have meant as one. */
const UNIT = /["']|[\p{L}µ°](?:(?!\.\.)[^\s,|<>=!≤≥≠"'])*/uy;

function readTerm(scanner: Scanner, further: readonly string[]): Term {
  const at = scanner.at;
  const word = scanner.take(WORD);
  if (word === undefined) {
    const [what, hint] = scanner.take(OPERATOR)
      ? ['a field is missing before the operator', 'A comparison is a field, an operator and a value: Zx >= 200']
      : ['a term is missing', 'Terms are parted by single commas: W, Zx >= 200'];
    throw scanner.error(what, hint, at);
  }
  const operator = scanner.take(OPERATOR);
  if (operator === undefined) return { kind: 'words', words: readWords(scanner, word, at) };
  const found = findField(word, further);
  if ('problem' in found) throw scanner.error(found.problem, FIELDS_HINT, at);
  return readComparison(scanner, found.field, OPERATORS[operator] ?? (operator as NumberOperator));
}

const FIELDS_HINT =
  "Fields are AISC's symbols (Zx, d, bf) and structdb's names (flange_width): docs/catalog-search.md lists them.";

function readWords(scanner: Scanner, first: string, firstAt: number): Word[] {
  const words = [wordOf(scanner, first, firstAt)];
  while (scanner.take(/\|/y)) {
    const at = scanner.at;
    const word = scanner.take(WORD);
    if (word === undefined) throw scanner.error('a type or name is missing behind "|"');
    words.push(wordOf(scanner, word, at));
  }
  return words;
}

/** `W` and `2L` are types; what has further digits or a star is a name. */
function wordOf(scanner: Scanner, word: string, at: number): Word {
  const text = word.toUpperCase().replaceAll('×', 'X');
  if (/^2?[A-Z]+$/.test(text)) return { kind: 'type', text };
  if (/^[\d./-]+$/.test(text)) {
    throw scanner.error(
      `the number ${word} belongs to no field`,
      'A comparison is a field, an operator and a value (Zx >= 200); thousands are not parted by commas.',
      at,
    );
  }
  return { kind: 'name', text };
}

function readComparison(scanner: Scanner, field: Field, operator: NumberOperator): Term {
  if (field.kind === 'number') return readNumberTerm(scanner, field, operator);
  if (field.kind === 'text') return readTextTerm(scanner, field, operator);
  // A property that structdb does not know is compared as what stands behind the operator.
  const isWord = operator === '=' || operator === '!=' ? !startsNumber(scanner) : false;
  return isWord ? readTextTerm(scanner, field, operator) : readNumberTerm(scanner, field, operator);
}

function startsNumber(scanner: Scanner): boolean {
  return /^[+-]?\.?\d/.test(scanner.rest());
}

function readTextTerm(scanner: Scanner, field: Field, operator: NumberOperator): Term {
  if (operator !== '=' && operator !== '!=') {
    throw scanner.error(`${field.name} holds words, which are compared with = and != only`);
  }
  const values: string[] = [];
  do {
    const value = scanner.take(/"(?:[^"]|"")*"/y);
    const text = value === undefined ? scanner.take(WORD) : value.slice(1, -1).replaceAll('""', '"');
    if (text === undefined) {
      throw scanner.error(
        scanner.rest().startsWith('"') ? 'a quote is opened and never closed' : `a value is missing for ${field.name}`,
      );
    }
    values.push(text.toUpperCase());
  } while (scanner.take(/\|/y));
  return { kind: 'text', field, operator, values };
}

function readNumberTerm(scanner: Scanner, field: Field, operator: NumberOperator): Term {
  const at = scanner.at;
  const from = readQuantity(scanner, field);
  if (!scanner.take(/\.\./y)) return { kind: 'number', field, operator, value: from };
  if (operator !== '=' && operator !== '!=') {
    throw scanner.error(`a range needs = or !=, not ${operator}`, `Write: ${field.name} = 200..300`, at);
  }
  const to = readQuantity(scanner, field);
  const unit = from.unit ?? to.unit;
  const [low, high] = [from, to].map(({ number, unit: own = unit }) =>
    own === undefined ? { number } : { number, unit: own },
  );
  if (isAbove(low!, high!)) throw scanner.error(`the range begins above its end`, undefined, at);
  return { kind: 'number', field, operator, value: low!, to: high! };
}

function isAbove(low: Quantity, high: Quantity): boolean {
  const [a, b] = [low, high].map(({ number, unit }) => {
    const value = rational(number);
    const factor = unit === undefined ? rational('1') : parseUnit(unit)!.factor;
    return { up: value.numerator * factor.numerator, down: value.denominator * factor.denominator };
  });
  return a!.up * b!.down > b!.up * a!.down;
}

function readQuantity(scanner: Scanner, field: Field): Quantity {
  const at = scanner.at;
  const text = scanner.take(NUMBER);
  const number = text === undefined ? undefined : parseNumber(text);
  if (number === undefined) {
    const isMissing = text === undefined && (scanner.atEnd() || scanner.rest().startsWith(','));
    const what = isMissing ? 'a number is missing' : `"${text ?? scanner.rest()}" is not a number`;
    throw scanner.error(
      `${what}; ${field.name} is compared with one`,
      'Numbers are written 24, 0.375, 1.2e3, 7/16 or 1 13/16.',
      at,
    );
  }
  const unitAt = scanner.at;
  const written = scanner.take(UNIT);
  if (written === undefined) return { number };
  const unit = parseUnit(written);
  if (!unit) throw scanner.error(`unknown unit "${written}"`, `Units are ${UNIT_NAMES}.`, unitAt);
  const own = unitOf(field.name, 'US');
  const dimension = parseUnit(own)?.dimension;
  if (dimension !== unit.dimension) {
    const expected = dimension === undefined ? 'has no unit' : `is in ${own} or ${unitOf(field.name, 'SI')}`;
    throw scanner.error(`${field.name} ${expected}; ${unit.name} is of another dimension`, undefined, unitAt);
  }
  return { number, unit: unit.name };
}
