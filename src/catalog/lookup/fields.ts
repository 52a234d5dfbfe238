import { aiscSymbols, NUMERIC_PROPERTIES } from '../readers/aisc-columns.ts';
import { NUMBER_COLUMNS } from '../rows.ts';
import { nearestNames } from './suggest.ts';

/** Something that a filter, a sort or a list of columns can name. */
export interface Field {
  /** structdb's name: a column of material_catalog or a property. */
  readonly name: string;
  /** `any`: a property that structdb does not know, which may hold numbers or words. */
  readonly kind: 'number' | 'text' | 'any';
  readonly where: 'column' | 'property';
}

const TEXTS = ['shape_type', 'kind', 'product_form', 'standard', 'designation', 'variant', 'manual_label'];
const TEXT_PROPERTIES = ['counterpart', 'source'];
const ALIASES: Readonly<Record<string, string>> = { type: 'shape_type', form: 'product_form', grade: 'designation' };

const FIELDS: ReadonlyMap<string, Field> = new Map(
  [
    ...NUMBER_COLUMNS.map((name): Field => ({ name, kind: 'number', where: 'column' })),
    ...TEXTS.map((name): Field => ({ name, kind: 'text', where: 'column' })),
    ...NUMERIC_PROPERTIES.map((name): Field => ({ name, kind: 'number', where: 'property' })),
    ...TEXT_PROPERTIES.map((name): Field => ({ name, kind: 'text', where: 'property' })),
  ].map((field) => [field.name, field]),
);

/** Every way to write a field: structdb's names, AISC's symbols, and a few words for both. */
const SPELLINGS: ReadonlyMap<string, Field> = new Map([
  ...FIELDS,
  ...Object.entries(ALIASES).map(([alias, name]) => [alias, FIELDS.get(name)!] as const),
  ...[...aiscSymbols()].map(([symbol, name]) => [symbol, FIELDS.get(name)!] as const),
]);

const FOLDED: ReadonlyMap<string, readonly (readonly [string, Field])[]> = Map.groupBy(SPELLINGS, ([spelling]) =>
  spelling.toLowerCase(),
);

/** The field of that name, or why there is none. */
export type FieldSearch = { readonly field: Field } | { readonly problem: string };

/**
 * Finds a field by structdb's name or AISC's symbol. AISC tells h and H, b and B, t and T apart by case, so case decides
 * where it must; `zx` and `FLANGE_WIDTH` can only mean one and are forgiven.
 */
export function findField(typed: string, further: readonly string[] = []): FieldSearch {
  const exact = SPELLINGS.get(/^tan\(.{1,3}\)$/.test(typed) ? 'tan(α)' : typed);
  if (exact) return { field: exact };
  if (further.includes(typed)) return { field: { name: typed, kind: 'any', where: 'property' } };
  const folded = FOLDED.get(typed.toLowerCase()) ?? [];
  const names = new Set(folded.map(([, { name }]) => name));
  if (names.size === 1) return { field: folded[0]![1] };
  if (names.size > 1) return { problem: `"${typed}" may be ${folded.map(([spelling]) => spelling).join(' or ')}` };
  return { problem: `unknown field "${typed}"${suggestion(typed, further)}` };
}

function suggestion(typed: string, further: readonly string[]): string {
  const folded = typed.toLowerCase();
  const spellings = [...FOLDED.keys(), ...further];
  const isColumn = (name: string) => FOLDED.get(name)?.[0]?.[1].where === 'column';
  // What has a column of its own is searched for most.
  const near = [isColumn, (name: string) => !isColumn(name)].flatMap((wanted) =>
    nearestNames(folded, spellings.filter(wanted)),
  );
  const alike = near.filter((name) => name.startsWith(folded.charAt(0)));
  const shown = (alike.length > 0 ? alike : near).slice(0, 3).map((name) => {
    const field = FOLDED.get(name)?.[0]?.[1].name;
    return field === undefined ? name : (symbolOf(field) ?? field);
  });
  return shown.length === 0 ? '' : `; did you mean ${[...new Set(shown)].join(', ')}?`;
}

const SYMBOLS: ReadonlyMap<string, string> = new Map(
  [...aiscSymbols()].toReversed().map(([symbol, name]) => [name, symbol]),
);

/** AISC's symbol of a field, or undefined when it has none. */
export function symbolOf(name: string): string | undefined {
  return SYMBOLS.get(name);
}
