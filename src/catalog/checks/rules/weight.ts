import { A, TDES, TNOM } from '../places.ts';
import type { Rule } from '../rule.ts';
import { DENSITY, type Values } from '../values.ts';

/** Weight against area. */
export const WEIGHT: readonly Rule[] = [
  {
    name: 'weight',
    column: 'weight',
    expected: (v) => v[A]! * v[DENSITY]! * nominalWall(v),
    formula: 'A × the density of steel',
    warn: [0.95, 1.05],
    reject: [0.8, 1.25],
    source:
      'Steel weighs 490 lb/ft³ (7850 kg/m³). Weights are nominal: they are part of the name of the shape, and those in kg/m are rounded once more. HSS and pipe weigh what the nominal wall weighs; A follows from the design wall.',
  },
];

function nominalWall(v: Values): number {
  const ratio = v[TNOM]! / v[TDES]!;
  return ratio > 0 ? ratio : 1;
}
