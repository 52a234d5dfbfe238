import type { MaterialRow } from '../rows.ts';
import type { Range } from './rule.ts';

/** Where a publisher's own table deviates from a rule, and how far: what is farther away is a finding there too. */
export interface Allowance {
  readonly editions: readonly string[];
  /** Names of both unit systems. */
  readonly shapes: readonly string[];
  readonly rules: readonly string[];
  /** Only these columns; all that the rules judge where it does not say. */
  readonly columns?: readonly string[];
  /** The quotients of value and formula that are published. */
  readonly quotients: Range;
  readonly reason: string;
}

const ALL = ['v14.1', 'v15.0', 'v16.0'] as const;
const LATER = ['v15.0', 'v16.0'] as const;

/** Found by running the rules over the whole of AISC v14.1, v15.0, v16.0 and A1085; docs/catalog-checks.md explains each. */
export const ALLOWANCES: readonly Allowance[] = [
  {
    editions: ALL,
    shapes: ['M4X4.08', 'M4X3.2', 'M3X2.9', 'C3X3.5', 'M100X6.1', 'M100X4.8', 'M100X4.3', 'C75X5.2'],
    rules: ['weight'],
    quotients: [0.925, 0.95],
    reason: 'The nominal weight is 5 to 7 % less than the published area weighs (C3X3.5: 1.09 in² weigh 3.71 lb/ft).',
  },
  {
    editions: ['v16.0'],
    shapes: ['WT180X694.5'],
    rules: ['weight', 'us-and-si'],
    columns: ['weight'],
    quotients: [1.06, 1.075],
    reason: 'v16.0 prints 695 kg/m for WT7X436.5, which weighs 650; v15.0 had 650.',
  },
  {
    editions: LATER,
    shapes: ['S24X90', 'S610X134'],
    rules: ['perimeter', 'us-and-si'],
    columns: ['perimeter'],
    quotients: [9.6, 10.1],
    reason: 'PB is ten times too large: 725 in. in v15.0, put right to 72.5 in v16.0, but 18,400 mm in both.',
  },
  {
    editions: LATER,
    shapes: ['S24X90', 'S610X134'],
    rules: ['perimeter'],
    columns: ['perimeter_less_one_flange'],
    quotients: [0.09, 0.092],
    reason: 'PA is right (65.4 in.); the PB that it is set against is ten times too large.',
  },
  {
    editions: LATER,
    shapes: [
      ...['HP14X117', 'HP14X102', 'HP14X89', 'HP14X73', 'HP12X84', 'HP12X74', 'HP12X63', 'HP12X53'],
      ...['HP360X174', 'HP360X152', 'HP360X132', 'HP360X108', 'HP310X125', 'HP310X110', 'HP310X93', 'HP310X79'],
    ],
    rules: ['perimeter'],
    columns: ['perimeter_less_one_flange'],
    quotients: [0.055, 0.06],
    reason: 'PA is a few inches where PB − bf is five feet (HP14X117: 4.15 in., not 70.5), in both unit systems.',
  },
  {
    editions: ['v14.1', 'v15.0'],
    shapes: [
      ...['2L2-1/2X1-1/2X1/4SLBB', '2L2-1/2X1-1/2X1/4X3/8SLBB', '2L2-1/2X1-1/2X1/4X3/4SLBB'],
      ...['2L2-1/2X1-1/2X3/16SLBB', '2L2-1/2X1-1/2X3/16X3/8SLBB', '2L2-1/2X1-1/2X3/16X3/4SLBB'],
      ...['2L64X38X6.4SLBB', '2L64X38X6.4X9SLBB', '2L64X38X6.4X19SLBB'],
      ...['2L64X38X4.8SLBB', '2L64X38X4.8X9SLBB', '2L64X38X4.8X19SLBB'],
    ],
    rules: ['shape-factor'],
    columns: ['zx'],
    quotients: [3.75, 4.05],
    reason:
      'Zx is that of the long legs back to back, twice what it should be; v16.0 puts it right (0.82 to 0.396 in³).',
  },
  {
    editions: ALL,
    shapes: [
      'M4X6',
      'M4X4.08',
      'M4X3.45',
      'M4X3.2',
      'M3X2.9',
      'M100X8.9',
      'M100X6.1',
      'M100X5.1',
      'M100X4.8',
      'M100X4.3',
    ],
    rules: ['area', 'inertia', 'plastic-modulus'],
    quotients: [1.05, 1.115],
    reason: 'Fillets count for more in small shapes: M3X2.9 has k = 0.5 in. at tf = 0.13 in.',
  },
  {
    editions: ALL,
    shapes: ['M4X4.08', 'M4X3.45', 'M4X3.2', 'M3X2.9', 'M100X6.1', 'M100X5.1', 'M100X4.8', 'M100X4.3'],
    rules: ['torsion'],
    quotients: [1.5, 2],
    reason: 'The same fillets, which torsion feels most.',
  },
  {
    editions: ALL,
    shapes: ['MT2X3', 'MT50X4.45'],
    rules: ['area', 'flexural-constant'],
    quotients: [1.02, 1.055],
    reason: 'Fillets again; and A (0.875 in²) is a good 2 % more than rx and ry go with.',
  },
  {
    editions: ALL,
    shapes: ['W40X149', 'W1000X222'],
    rules: ['inertia', 'plastic-modulus'],
    quotients: [1.035, 1.045],
    reason: 'The lightest shape of its rolls: fillets of k = 2.01 in. at tf = 0.83 in.',
  },
  {
    editions: ALL,
    shapes: ['HP16X88', 'HP410X131'],
    rules: ['plastic-modulus'],
    quotients: [1.055, 1.057],
    reason: 'The lightest shape of its rolls: fillets of k = 1.72 in. at tf = 0.54 in.',
  },
  {
    editions: ALL,
    shapes: ['HP16X183', 'HP410X272'],
    rules: ['detailing'],
    columns: ['flange_width_detailing'],
    quotients: [1.012, 1.0125],
    reason: 'bfdet is 16-1/2 in., where bf = 16.3 in. is next to 16-1/4 in.',
  },
  {
    editions: LATER,
    shapes: ['W27X539', 'W690X802'],
    rules: ['detailing'],
    columns: ['web_flat'],
    quotients: [0.973, 0.974],
    reason: 'T is 23 in., where d − 2kdet is 23-5/8 in.',
  },
  {
    editions: ALL,
    shapes: ['PIPE10SCH40', 'PIPE250STD'],
    rules: ['area', 'radius-of-gyration'],
    quotients: [1.015, 1.035],
    reason: 'A is 11.5 in², where a wall of 0.340 in. has 11.1 in², with which Ix and rx agree.',
  },
  {
    editions: LATER,
    shapes: [
      ...['PIPE26SCH20', 'PIPE24XS', 'PIPE20SCH30', 'PIPE18XS', 'PIPE16SCH40'],
      ...['PIPE650XS', 'PIPE600XS', 'PIPE500XS', 'PIPE450XS'],
    ],
    rules: ['area', 'inertia', 'plastic-modulus'],
    quotients: [0.965, 0.971],
    reason: 'The properties are those of a wall of 0.450 in., where tdes is 0.465 in.',
  },
  {
    editions: LATER,
    shapes: ['PIPE300XXS'],
    rules: ['inertia'],
    quotients: [1.03, 1.031],
    reason: 'Pipe12SCH120: the rounded wall of 23.6 mm and the diameter give 3.1 % less; the US row is at 3.0 %.',
  },
  {
    editions: LATER,
    shapes: ['PIPE300XS'],
    rules: ['radius-of-gyration'],
    quotients: [0.984, 0.985],
    reason: 'Pipe12XS: Ix, A and rx are each rounded to the far side.',
  },
  {
    editions: ALL,
    shapes: ['PIPE1/2SCH40', 'PIPE1/2SCH80', 'PIPE15STD', 'PIPE15XS'],
    rules: ['section-modulus'],
    quotients: [1.015, 1.022],
    reason: 'Ix has two digits (0.016 and 0.019 in⁴): Sx was taken from the unrounded one.',
  },
];

/** Whether a deviation is one of those that a publisher's table has. */
export function isAllowed(row: MaterialRow, rule: string, column: string, quotient: number): boolean {
  return ALLOWANCES.some(
    ({ editions, shapes, rules, columns, quotients }) =>
      shapes.includes(row.designation) &&
      rules.includes(rule) &&
      (columns?.includes(column) ?? true) &&
      row.standard === 'AISC' &&
      editions.includes(row.edition) &&
      quotient >= quotients[0] &&
      quotient <= quotients[1],
  );
}
