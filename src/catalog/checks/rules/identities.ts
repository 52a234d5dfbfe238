import {
  A,
  B,
  BF,
  CW,
  D,
  EO,
  HT,
  IW,
  IX,
  IY,
  IZ,
  J,
  KDES,
  LEG,
  LEG_SLENDERNESS,
  OD,
  RO,
  SX,
  SY,
  T,
  TDES,
  TF,
  TW,
  WA,
  WB,
  WC,
  X,
  Y,
  ZA,
  ZB,
  ZC,
} from '../places.ts';
import { ANGLES, CHANNELS, HOLLOW, I_SHAPES, identity, type Rule, TEES, within } from '../rule.ts';
import { INCH, type Values } from '../values.ts';

/** Numbers that follow from others of the table without any approximation. */
export const IDENTITIES: readonly Rule[] = [
  ...gyration('rx', IX, '√(Ix/A)'),
  ...gyration('ry', IY, '√(Iy/A)'),
  ...gyration('rz', IZ, '√(Iz/A)'),
  ...modulus('sx', [...I_SHAPES, ...CHANNELS, ...HOLLOW], 'Ix/(d/2)', (v) => (2 * v[IX]!) / v[D]!),
  ...modulus('sx', TEES, 'Ix/(d − y)', (v) => v[IX]! / (v[D]! - v[Y]!)),
  // Which leg is d and which is b changed between v14.1 and v15.0 for 228 double angles: the one that fits is upright.
  ...modulus('sx', ANGLES, 'Ix/(leg − y)', (v) => byLeg(v, SX, IX, -v[Y]!)),
  ...modulus('sy', [...I_SHAPES, ...TEES], 'Iy/(bf/2)', (v) => (2 * v[IY]!) / v[BF]!),
  ...modulus('sy', CHANNELS, 'Iy/(bf − x)', (v) => v[IY]! / (v[BF]! - v[X]!)),
  ...modulus('sy', ['L'], 'Iy/(leg − x)', (v) => byLeg(v, SY, IY, -v[X]!)),
  ...modulus('sy', ['2L'], 'Iy/(leg + s/2)', doubleAngle),
  ...modulus('sy', ['HSS'], 'Iy/(B/2)', (v) => (2 * v[IY]!) / v[B]!),
  ...modulus('sy', HOLLOW, 'Iy/(OD/2)', (v) => (2 * v[IY]!) / v[OD]!),
  ...['sz_a:wA', 'sz_b:wB', 'sz_c:wC'].flatMap((names, at) => tip(names, IZ, 'Iz', [WA, WB, WC][at]!)),
  ...['sw_a:zA', 'sw_b:zB', 'sw_c:zC'].flatMap((names, at) => tip(names, IW, 'Iw', [ZA, ZB, ZC][at]!)),
  identity({
    name: 'principal-axes',
    families: ['L'],
    column: 'iw',
    formula: 'Ix + Iy − Iz',
    expected: (v) => v[IX]! + v[IY]! - v[IZ]!,
  }),
  identity({
    name: 'polar-radius',
    families: CHANNELS,
    column: 'polar_radius',
    formula: '√((Ix + Iy)/A + (x + eo)²)',
    expected: (v) => Math.sqrt((v[IX]! + v[IY]!) / v[A]! + (v[X]! + v[EO]!) ** 2),
  }),
  identity({
    name: 'polar-radius',
    families: TEES,
    column: 'polar_radius',
    formula: '√((Ix + Iy)/A + (y − tf/2)²)',
    expected: (v) => Math.sqrt((v[IX]! + v[IY]!) / v[A]! + (v[Y]! - v[TF]! / 2) ** 2),
  }),
  identity({
    name: 'polar-radius',
    families: ANGLES,
    column: 'polar_radius',
    formula: '√((Ix + Iy)/A + (x − t/2)² + (y − t/2)²)',
    expected: (v) => {
      // The shear centre of a double angle lies on its axis of symmetry.
      const across = v[X]! > 0 ? v[X]! - v[T]! / 2 : 0;
      return Math.sqrt((v[IX]! + v[IY]!) / v[A]! + across ** 2 + (v[Y]! - v[T]! / 2) ** 2);
    },
  }),
  identity({
    name: 'flexural-constant',
    column: 'flexural_constant',
    formula: '(Ix + Iy)/(A × ro²)',
    expected: (v) => (v[IX]! + v[IY]!) / v[A]! / v[RO]! ** 2,
    warn: within(0.02),
    source: 'The same quantity; of its numbers, each rounded to three digits, ro counts twice.',
  }),
  identity({
    name: 'effective-radius',
    families: [...I_SHAPES, ...CHANNELS],
    column: 'effective_radius',
    formula: '√(√(Iy × Cw)/Sx)',
    expected: (v) => Math.sqrt(Math.sqrt(v[IY]! * v[CW]!) / v[SX]!),
  }),
  identity({
    name: 'flange-distance',
    families: [...I_SHAPES, ...CHANNELS],
    column: 'flange_centroid_distance',
    formula: 'd − tf',
    expected: (v) => v[D]! - v[TF]!,
  }),
  identity({
    name: 'slenderness',
    families: [...I_SHAPES, ...TEES],
    column: 'flange_slenderness',
    formula: 'bf/2tf',
    expected: (v) => v[BF]! / v[TF]! / 2,
  }),
  identity({
    name: 'slenderness',
    families: ['W'],
    column: 'web_slenderness',
    formula: '(d − 2k)/tw',
    expected: (v) => (v[D]! - 2 * v[KDES]!) / v[TW]!,
  }),
  identity({
    name: 'slenderness',
    families: TEES,
    column: 'diameter_slenderness',
    formula: 'd/tw',
    expected: (v) => v[D]! / v[TW]!,
  }),
  identity({
    name: 'slenderness',
    families: HOLLOW,
    column: 'diameter_slenderness',
    formula: 'OD/t',
    expected: (v) => v[OD]! / v[TDES]!,
  }),
  identity({
    name: 'slenderness',
    families: ANGLES,
    column: 'leg_slenderness',
    formula: 'leg/t',
    expected: (v) => nearer(v[LEG_SLENDERNESS]!, v[D]! / v[T]!, v[LEG]! / v[T]!),
  }),
  ...(
    [
      ['wall_slenderness_width', B, 'B/t − 3'],
      ['wall_slenderness_height', HT, 'Ht/t − 3'],
    ] as const
  ).map(([column, side, formula]) =>
    identity({
      name: 'slenderness',
      families: ['HSS'],
      column,
      formula,
      expected: (v) => v[side]! / v[TDES]! - 3,
      source: 'AISC 360 takes the flat width for the outside dimension less three walls.',
    }),
  ),
  ...(
    [
      ['leg_or_flat_width', B, 'B − 3t'],
      ['flat_height', HT, 'Ht − 3t'],
    ] as const
  ).map(([column, side, formula]) =>
    identity({
      name: 'flat-width',
      families: ['HSS'],
      column,
      formula,
      expected: (v) => v[side]! - 3 * v[TDES]!,
      source: 'AISC 360 takes the flat width for the outside dimension less three walls.',
    }),
  ),
  identity({
    name: 'slenderness',
    families: CHANNELS,
    column: 'leg_slenderness',
    formula: 'bf/tf',
    expected: (v) => v[BF]! / v[TF]!,
  }),
  identity({
    name: 'torsion',
    families: HOLLOW,
    column: 'torsion_constant',
    formula: '2 × Ix',
    expected: (v) => (v[OD]! > 0 ? 2 * v[IX]! : Number.NaN),
  }),
  identity({
    name: 'torsion',
    families: ['HSS'],
    column: 'hss_torsion_constant',
    formula: '2J/OD',
    expected: (v) => (2 * v[J]!) / v[OD]!,
    warn: [0.97, 1.015],
    source: 'Published values are up to 2.4 % lower for thick walls: they are those of the middle of the wall.',
  }),
];

function gyration(column: string, inertia: number, formula: string): Rule[] {
  return [identity({ name: 'radius-of-gyration', column, formula, expected: (v) => Math.sqrt(v[inertia]! / v[A]!) })];
}

function modulus(
  column: 'sx' | 'sy',
  families: readonly string[],
  formula: string,
  expected: Rule['expected'],
): Rule[] {
  return [identity({ name: 'section-modulus', families, column, formula, expected })];
}

/** `sz_a:wA`: the modulus of an angle at one of its tips, from the distance to the principal axis. */
function tip(names: string, inertia: number, symbol: string, distance: number): Rule[] {
  const [column, apart] = names.split(':') as [string, string];
  const expected = (v: Values) => v[inertia]! / v[distance]!;
  return [identity({ name: 'section-modulus', families: ['L'], column, formula: `${symbol}/${apart}`, expected })];
}

/** Which of two leg lengths, with something more or less, explains the value: the inertia over it is nearer. */
function byLeg(v: Values, value: number, inertia: number, more: number): number {
  return nearer(v[value]!, v[inertia]! / (v[D]! + more), v[inertia]! / (v[LEG]! + more));
}

/** The candidate that is nearer to the value as a quotient, of those that are positive numbers. */
function nearer(value: number, one: number, other: number): number {
  if (!(one > 0)) return other;
  if (!(other > 0)) return one;
  return apart(value, one) <= apart(value, other) ? one : other;
}

function apart(value: number, candidate: number): number {
  return value > candidate ? value / candidate : candidate / value;
}

/** Sy of double angles, which AISC's table has 0, 3/8, 3/4 and 1-1/2 in. apart. */
function doubleAngle(v: Values): number {
  let best = byLeg(v, SY, IY, 0);
  for (let half = 3 / 16; half <= 3 / 4; half *= 2) {
    best = nearer(v[SY]!, best, byLeg(v, SY, IY, half * v[INCH]!));
  }
  return best;
}
