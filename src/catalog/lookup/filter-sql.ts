import { NUMBER_COLUMNS, TEXT_COLUMNS, type UnitSystem } from '../rows.ts';
import { unitOf } from '../units.ts';
import type { Field } from './fields.ts';
import type { Filter, NumberTerm, Quantity, TextTerm, WordsTerm } from './filter.ts';
import { convert, decimalBounds, parseUnit, rational } from './quantity.ts';

/** The values of a statement; no value and no name of a property ever stands in its text. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Keeps a value and gives its place in the text. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** The conditions of a filter on rows `m` of material_catalog, all of which must hold. */
export function filterConditions(filter: Filter, system: UnitSystem, parameters: Parameters): string[] {
  return filter.terms.map((term) => {
    if (term.kind === 'words') return wordsCondition(term, parameters);
    return term.kind === 'text' ? textCondition(term, parameters) : numberCondition(term, system, parameters);
  });
}

/** The value of a field in row `m`: numeric or text. Never fails, whatever a property holds. */
export function fieldValue({ name, kind, where }: Field, parameters: Parameters): string {
  if (where === 'column') {
    if (!COLUMNS.has(name)) throw new Error(`material_catalog has no column ${name}`);
    return `m.${name}`;
  }
  const property = parameters.add(name);
  if (kind === 'text') return `m.properties ->> ${property}::text`;
  return `case jsonb_typeof(m.properties -> ${property}::text) when 'number' then (m.properties ->> ${property}::text)::numeric end`;
}

const COLUMNS: ReadonlySet<string> = new Set([
  ...NUMBER_COLUMNS,
  ...TEXT_COLUMNS,
  'standard',
  'designation',
  'variant',
]);

function wordsCondition({ words }: WordsTerm, parameters: Parameters): string {
  const types = words.filter(({ kind }) => kind === 'type').map(({ text }) => text);
  const names = words.filter(({ kind }) => kind === 'name').map(({ text }) => likePattern(text));
  const conditions: string[] = [];
  // Plain equality, which an index answers: publishers write types in upper case.
  if (types.length > 0) conditions.push(`m.shape_type = any(${parameters.add(types)}::text[])`);
  if (names.length > 0) {
    const patterns = `any(${parameters.add(names)}::text[])`;
    const spellings = ['m.designation', 'upper(m.manual_label)', `m.properties ->> 'counterpart'`];
    conditions.push(...spellings.map((spelling) => `${spelling} like ${patterns}`));
  }
  return `(${conditions.join(' or ')})`;
}

function textCondition({ field, operator, values }: TextTerm, parameters: Parameters): string {
  const value = fieldValue({ ...field, kind: 'text' }, parameters);
  const patterns = parameters.add(values.map(likePattern));
  return `${operator === '=' ? '' : 'not '}(upper(${value}) like any(${patterns}::text[]))`;
}

function likePattern(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}

function numberCondition(term: NumberTerm, system: UnitSystem, parameters: Parameters): string {
  const value = fieldValue({ ...term.field, kind: 'number' }, parameters);
  const bound = (quantity: Quantity, side: 'below' | 'above') =>
    `${parameters.add(decimalBounds(inSystem(quantity, term.field, system))[side])}::numeric`;
  if (term.to) {
    const range = `between ${bound(term.value, 'above')} and ${bound(term.to, 'below')}`;
    return `(${value}) ${term.operator === '=' ? '' : 'not '}${range}`;
  }
  switch (term.operator) {
    case '<':
      return `(${value}) < ${bound(term.value, 'above')}`;
    case '<=':
      return `(${value}) <= ${bound(term.value, 'below')}`;
    case '>':
      return `(${value}) > ${bound(term.value, 'below')}`;
    case '>=':
      return `(${value}) >= ${bound(term.value, 'above')}`;
    default: {
      // Where no decimal equals the number, no stored value does: between the next above and the next below lies none.
      const range = `between ${bound(term.value, 'above')} and ${bound(term.value, 'below')}`;
      return `(${value}) ${term.operator === '=' ? '' : 'not '}${range}`;
    }
  }
}

/** The number in the unit that the field has in this system. */
export function inSystem({ number, unit }: Quantity, field: Field, system: UnitSystem) {
  const value = rational(number);
  return unit === undefined ? value : convert(value, parseUnit(unit)!, parseUnit(unitOf(field.name, system))!);
}
