import { StructdbError } from '../../core/errors.ts';
import type { UnitSystem } from '../rows.ts';
import type { Queryable } from './reader.ts';

/** An edition that has rows of materials. */
export interface EditionFound {
  readonly standard: string;
  readonly edition: string;
  /**
   * The kind of its first row of the unit system and variant that were asked for; null where it has none. An edition is a
   * table of shapes or a list of materials; a mixture of somebody's own counts as what comes first.
   */
  readonly kind: 'shape' | 'material' | 'bolt' | null;
}

/**
 * The editions in material_catalog. Each is found by one step in the primary key: counting distinct ones would read the
 * whole table for every search.
 */
export async function editionsOf(
  reader: Queryable,
  { unitSystem, variant }: { readonly unitSystem: UnitSystem; readonly variant: string },
): Promise<EditionFound[]> {
  const { rows } = await reader.query(QUERY, [unitSystem, variant]);
  return rows as EditionFound[];
}

const QUERY = `
with recursive e as (
  (select standard, edition from public.material_catalog order by standard, edition limit 1)
  union all
  select n.standard, n.edition from e, lateral (
    select standard, edition from public.material_catalog m
    where (m.standard, m.edition) > (e.standard, e.edition)
    order by m.standard, m.edition limit 1
  ) n
)
select standard, edition, (
  select kind from public.material_catalog m
  where m.standard = e.standard and m.edition = e.edition and m.unit_system = $1 and m.variant = $2
  order by m.designation limit 1
) as kind
from e`;

/** `15.0` is meant as AISC's `v15.0`. */
export function namedEdition(typed: string): string {
  return typed.replace(/^(?=\d+\.\d)/, 'v');
}

/** The error of an edition that is not in the database, with those that are. */
export function noSuchEdition(edition: string, standard: string | undefined, known: readonly string[]): StructdbError {
  const where = standard === undefined ? '' : ` of ${standard}`;
  return new StructdbError('CATALOG_NOT_FOUND', `No edition "${edition}"${where} is in the database.`, {
    hint:
      known.length === 0
        ? 'No catalog is imported yet. Run: structdb catalog import'
        : `There is ${[...new Set(known)].slice(0, 12).join(', ')}. structdb catalog list tells more.`,
  });
}

/**
 * Editions in the order in which they were published, the oldest first: `undated`, years of two digits as ASTM writes them
 * (97 before 21), and versions by their numbers (v9.0 before v14.1).
 */
export function compareEditions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [x, y] = [left[at], right[at]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    if (typeof x !== typeof y) return typeof x === 'number' ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return 0;
}

/** ASTM began in 1898; a year of two digits above 70 is of the last century. */
function partsOf(edition: string): (number | string)[] {
  const year = /^(\d\d)(\D.*)?$/.exec(edition);
  const text = year ? `${Number(year[1]) > 70 ? 19 : 20}${edition}` : edition.replace(/^v(?=\d)/, '');
  return (text.match(/\d+|\D+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
}
