import type { PropertyNames } from '../properties.ts';
import { NUMERIC_PROPERTIES } from '../readers/aisc-columns.ts';
import { type MaterialRow, NUMBER_COLUMNS, type UnitSystem } from '../rows.ts';

/**
 * The numbers of a row as doubles, each at the place of its column, NaN where the row has none: a formula over a missing
 * value is NaN, and no comparison with NaN reports anything. Only the checks compute with doubles; what is stored stays
 * the exact decimal of the file. An array of doubles: a typed one of this size is ten times as expensive to make.
 */
export type Values = number[];

/** The columns that have a place, in its order. */
export const CHECKED_COLUMNS: readonly string[] = [...NUMBER_COLUMNS, ...NUMERIC_PROPERTIES];

const PLACES: ReadonlyMap<string, number> = new Map(CHECKED_COLUMNS.map((name, at) => [name, at]));

/** One inch in the unit of length of the row: 1 in US rows, 25.4 in SI rows. */
export const INCH = CHECKED_COLUMNS.length;
/** The weight of steel per length and area: 490 lb/ft³ in US rows (3.403 lb/ft for each in²), 7850 kg/m³ in SI rows. */
export const DENSITY = INCH + 1;

/** Where a column stands among the values of a row. @throws RangeError for a column that no row has */
export function placeOf(column: string): number {
  const place = PLACES.get(column);
  if (place === undefined) throw new RangeError(`${column} is no numeric column`);
  return place;
}

const NONE: Values = new Array<number>(CHECKED_COLUMNS.length + 2).fill(Number.NaN);

const NOWHERE = -1;
const PLACES_OF = new WeakMap<PropertyNames, number[]>();

/** Where the values of a file's properties go, by the places of their names. */
function placesOf(names: PropertyNames): readonly number[] {
  let places = PLACES_OF.get(names);
  if (places === undefined) {
    places = [];
    PLACES_OF.set(names, places);
  }
  while (places.length < names.all.length) places.push(PLACES.get(names.all[places.length]!) ?? NOWHERE);
  return places;
}

/** The numbers of a row, for the checks. */
export function valuesOf(row: MaterialRow): Values {
  const values: Values = NONE.slice();
  for (let at = 0; at < NUMBER_COLUMNS.length; at += 1) {
    const text = row.numbers[NUMBER_COLUMNS[at]!];
    if (text) values[at] = toNumber(text);
  }
  const { names, values: given } = row.properties;
  const places = placesOf(names);
  for (let at = 0; at < given.length; at += 1) {
    const value = given[at];
    if (typeof value === 'string' && places[at] !== NOWHERE) values[places[at]!] = toNumber(value);
  }
  values[INCH] = lengthOf(row.unitSystem);
  values[DENSITY] = row.unitSystem === 'US' ? 490 / 144 : 7850e-6;
  return values;
}

/** One inch in the unit of length of a unit system. */
export function lengthOf(unitSystem: UnitSystem): number {
  return unitSystem === 'US' ? 1 : 25.4;
}

/**
 * The decimal as a double. A published table has 200,000 of them, nearly all of a few digits, which are summed up here
 * several times as fast as Number() reads them.
 */
function toNumber(decimal: string): number {
  const { length } = decimal;
  if (length > 15) return Number(decimal);
  let digits = 0;
  let scale = 0;
  for (let at = 0; at < length; at += 1) {
    const code = decimal.charCodeAt(at);
    if (code === 46) scale = length - at - 1;
    else if (code < 48) return Number(decimal);
    else digits = digits * 10 + (code - 48);
  }
  return scale === 0 ? digits : digits / 10 ** scale;
}
