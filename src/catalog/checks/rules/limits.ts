import { IY, OD, SX, SY, T, TDES, TF, TNOM, TW } from '../places.ts';
import { CHANNELS, HOLLOW, I_SHAPES, type Range, type Rule, TEES } from '../rule.ts';

const MORE = Number.POSITIVE_INFINITY;

/** What cannot be smaller or larger than something else, and the quotients that a form of section has. */
export const LIMITS: readonly Rule[] = [
  ...factors('zx', 'Sx', SX, {
    ...{ W: [1.08, 1.35], HP: [1.08, 1.17], M: [1.08, 1.21], S: [1.12, 1.23], C: [1.14, 1.31], MC: [1.14, 1.31] },
    ...{ WT: [1.72, 2.26], MT: [1.72, 2], ST: [1.72, 2.05], L: [1.7, 1.85], '2L': [1.7, 2] },
    ...{ HSS: [1.12, 1.5], PIPE: [1.26, 1.52] },
  }),
  ...factors('zy', 'Sy', SY, {
    ...{ W: [1.49, 1.66], HP: [1.5, 1.58], M: [1.5, 1.64], S: [1.67, 1.89], C: [1.92, 2.33], MC: [1.82, 2.17] },
    ...{ WT: [1.49, 1.66], MT: [1.5, 1.64], ST: [1.67, 1.89], L: [1.7, 1.99], '2L': [1.5, 2.07] },
    ...{ HSS: [1.06, 1.42], PIPE: [1.26, 1.52] },
  }),
  {
    name: 'flange-over-web',
    families: ['W'],
    column: 'flange_thickness',
    expected: (v) => v[TW]!,
    formula: 'tw',
    warn: [1.05, 2],
    reject: [1.000001, 3],
    suspect: 'are tf and tw swapped?',
    source: 'No W shape has a flange that is not thicker than its web; tables with both swapped were public for years.',
  },
  {
    name: 'flange-over-web',
    families: [...CHANNELS, ...TEES, 'M', 'S', 'HP'],
    column: 'flange_thickness',
    expected: (v) => v[TW]!,
    formula: 'tw',
    warn: [0.6, 2.5],
    suspect: 'are tf and tw swapped?',
    source: 'Channels, S and ST shapes of heavy web go down to 0.65 (C10X30).',
  },
  ...least('flange_width', 'tw', TW, [...I_SHAPES, ...CHANNELS, ...TEES], 2.5),
  ...least('depth', '2tf', TF, [...I_SHAPES, ...CHANNELS], 4.2, 2),
  ...least('depth', 'tf', TF, TEES, 2.1),
  ...least('depth', '2t', TDES, HOLLOW, 4, 2),
  ...least('overall_width', '2t', TDES, HOLLOW, 3.5, 2),
  ...least('outside_diameter', '2t', TDES, HOLLOW, 4, 2),
  ...least('leg_or_flat_width', 't', T, ['L', '2L'], 2.5),
  ...least('k_design', 'tf', TF, [...I_SHAPES, ...CHANNELS, ...TEES], 1.05),
  ...least('ix', 'Iy', IY, [...I_SHAPES, ...CHANNELS], 1.5),
  // The axes x and y of a round section are the same.
  {
    name: 'order',
    families: ['PIPE'],
    column: 'ix',
    expected: (v) => v[IY]!,
    formula: 'Iy',
    warn: [0.99, 1.01],
    reject: [0.9, 1.1],
    source: 'A round section is the same about every axis.',
  },
  {
    name: 'inside-diameter',
    families: HOLLOW,
    column: 'inside_diameter',
    expected: (v) => v[OD]! - 2 * v[TNOM]!,
    formula: 'OD − 2tnom',
    warn: [0.985, 1.025],
    reject: [0.8, 1.2],
    source: 'The nominal wall is left on both sides.',
  },
];

function factors(
  column: 'zx' | 'zy',
  formula: string,
  elastic: number,
  ranges: Readonly<Record<string, Range>>,
): Rule[] {
  return Object.entries(ranges).map(([family, warn]) => ({
    name: 'shape-factor',
    families: [family],
    column,
    expected: (v) => v[elastic]!,
    formula,
    warn,
    reject: [Math.max(0.995, warn[0] / 1.15), warn[1] * 1.15],
    suspect: `are ${column === 'zx' ? 'Zx and Sx' : 'Zy and Sy'} swapped?`,
    source:
      'A plastic modulus is never less than the elastic one; how much more is a matter of the form, measured on the published tables.',
  }));
}

/** The value is more than so many times another one; less than once is impossible. */
function least(
  column: string,
  formula: string,
  other: number,
  families: readonly string[],
  times: number,
  of = 1,
): Rule[] {
  return [
    {
      ...{ name: 'order', families, column, formula },
      expected: (v) => of * v[other]!,
      warn: [times / of, MORE],
      reject: [1, MORE],
      source: 'Parts are smaller than the whole; the published tables stay well away from the limit.',
    },
  ];
}
