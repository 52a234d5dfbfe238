import { NUMERIC_PROPERTIES } from './readers/aisc-columns.ts';
import type { UnitSystem } from './rows.ts';

type Units = Readonly<Record<UnitSystem, string>>;

const LENGTH: Units = { US: 'in', SI: 'mm' };
const INERTIA: Units = { US: 'in⁴', SI: 'mm⁴' };
const MODULUS: Units = { US: 'in³', SI: 'mm³' };
const STRESS: Units = { US: 'ksi', SI: 'MPa' };
const RATIO: Units = { US: '', SI: '' };

/** A number times its unit is the quantity: AISC prints metric values in powers of ten, which the readers multiply out. */
const UNITS: Readonly<Record<string, Units>> = {
  weight: { US: 'lb/ft', SI: 'kg/m' },
  area: { US: 'in²', SI: 'mm²' },
  depth: LENGTH,
  rx: LENGTH,
  ry: LENGTH,
  warping_constant: { US: 'in⁶', SI: 'mm⁶' },
  warping_function: { US: 'in²', SI: 'mm²' },
  ...each(
    ['ix', 'iy', 'iz', 'iw', 'warping_moment_1', 'warping_moment_2', 'warping_moment_3', 'torsion_constant'],
    INERTIA,
  ),
  ...each(['sx', 'sy', 'sz', 'zx', 'zy', 'sw_a', 'sw_b', 'sw_c', 'sz_a', 'sz_b', 'sz_c'], MODULUS),
  ...each(['hss_torsion_constant', 'statical_moment_flange', 'statical_moment_web'], MODULUS),
  ...each(['fy', 'fu', 'fy_max', 'fu_max'], STRESS),
  ...each(['tan_alpha', 'flexural_constant', 'slender_reduction'], RATIO),
};

/** The unit of a column or property in a unit system; empty for ratios, and for properties structdb does not know. */
export function unitOf(name: string, system: UnitSystem): string {
  const known = UNITS[name];
  if (known) return known[system];
  return NUMERIC_PROPERTIES.includes(name) && !name.includes('slenderness') ? LENGTH[system] : '';
}

/** What one unit of a US row is in the unit of an SI row; ratios are the same in both. All but ksi are exact by definition. */
const SI_PER_US: Readonly<Record<string, number>> = {
  'lb/ft': 0.45359237 / 0.3048,
  in: 25.4,
  'in²': 25.4 ** 2,
  'in³': 25.4 ** 3,
  'in⁴': 25.4 ** 4,
  'in⁶': 25.4 ** 6,
  ksi: 6.894757,
};

/** What a value of a column in US units is to be multiplied with to give it in SI units. */
export function siPerUs(name: string): number {
  return SI_PER_US[unitOf(name, 'US')] ?? 1;
}

function each(names: readonly string[], units: Units): Record<string, Units> {
  return Object.fromEntries(names.map((name) => [name, units]));
}
