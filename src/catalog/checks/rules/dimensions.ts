import { B, BF, D, HO, HT, IY, KDES, LEG, OD, PB, PD, T, TDES, TF, TNOM, TW, ZX } from '../places.ts';
import { CHANNELS, I_SHAPES, type Range, type Rule } from '../rule.ts';
import type { Values } from '../values.ts';

type Formula = (v: Values) => number;
type Ranges = Readonly<Record<string, Range>>;

const iArea: Formula = (v) => 2 * v[BF]! * v[TF]! + web(v) * v[TW]!;
const iInertia: Formula = (v) => (v[BF]! * v[D]! ** 3 - (v[BF]! - v[TW]!) * web(v) ** 3) / 12;
const iInertiaY: Formula = (v) => (2 * v[TF]! * v[BF]! ** 3 + web(v) * v[TW]! ** 3) / 12;
const iPlastic: Formula = (v) => v[BF]! * v[TF]! * (v[D]! - v[TF]!) + (v[TW]! * web(v) ** 2) / 4;
const iPlasticY: Formula = (v) => (v[BF]! ** 2 * v[TF]!) / 2 + (v[TW]! ** 2 * web(v)) / 4;
const iTorsion: Formula = (v) => (2 * v[BF]! * v[TF]! ** 3 + web(v) * v[TW]! ** 3) / 3;
const teeInertiaY: Formula = (v) => (v[TF]! * v[BF]! ** 3 + stem(v) * v[TW]! ** 3) / 12;
const teePlasticY: Formula = (v) => (v[BF]! ** 2 * v[TF]! + v[TW]! ** 2 * stem(v)) / 4;
const teeTorsion: Formula = (v) => (v[BF]! * v[TF]! ** 3 + stem(v) * v[TW]! ** 3) / 3;
const teeWarping: Formula = (v) => ((v[BF]! * v[TF]!) ** 3 / 4 + (v[D]! - v[TF]! / 2) ** 3 * v[TW]! ** 3) / 36;
const angleArea: Formula = (v) => v[T]! * (v[D]! + v[LEG]! - v[T]!);
const boxInertia: Formula = (v) => (v[B]! * v[HT]! ** 3 - inner(v, B) * inner(v, HT) ** 3) / 12;
const boxInertiaY: Formula = (v) => (v[HT]! * v[B]! ** 3 - inner(v, HT) * inner(v, B) ** 3) / 12;
const boxPlastic: Formula = (v) => (v[B]! * v[HT]! ** 2 - inner(v, B) * inner(v, HT) ** 2) / 4;
const boxPlasticY: Formula = (v) => (v[HT]! * v[B]! ** 2 - inner(v, HT) * inner(v, B) ** 2) / 4;
const ringInertia: Formula = (v) => (Math.PI / 64) * (v[OD]! ** 4 - inner(v, OD) ** 4);
const ringPlastic: Formula = (v) => (v[OD]! ** 3 - inner(v, OD) ** 3) / 6;

/**
 * What rectangles and circles of the outside dimensions and the thicknesses give, against the value of the table, which
 * counts fillets, tapers and rounded corners too. The ranges per shape type hold the whole of AISC v14.1, v15.0, v16.0 and
 * the A1085 supplement, but for the shapes that docs/catalog-checks.md lists, and some room.
 */
export const DIMENSIONS: readonly Rule[] = [
  ...rules('area', 'area', '2bf × tf + (d − 2tf)tw', iArea, {
    ...{ W: [0.985, 1.03], HP: [0.985, 1.05], M: [0.985, 1.05], S: [0.985, 1.025], C: [0.985, 1.025] },
    MC: [0.985, 1.025],
  }),
  ...rules('area', 'area', 'bf × tf + (d − tf)tw', (v) => v[BF]! * v[TF]! + stem(v) * v[TW]!, {
    ...{ WT: [0.985, 1.03], MT: [0.985, 1.05], ST: [0.985, 1.025] },
  }),
  ...rules('area', 'area', 't(d + b − t)', angleArea, { L: [0.985, 1.02] }),
  ...rules('area', 'area', '2t(d + b − t)', (v) => 2 * angleArea(v), { '2L': [0.985, 1.02] }),
  // Corners of HSS are rounded with 2t outside and t inside.
  ...rules('area', 'area', '2t(Ht + B − 2t) less the corners', boxArea, { HSS: [0.985, 1.015] }),
  ...rules('area', 'area', 'π(OD − t)t', (v) => Math.PI * (v[OD]! - v[TDES]!) * v[TDES]!, {
    ...{ HSS: [0.985, 1.015], PIPE: [0.97, 1.03] },
  }),

  ...rules('inertia', 'ix', 'Ix of the rectangles', iInertia, {
    ...{ W: [0.985, 1.04], HP: [0.985, 1.055], M: [0.985, 1.055], S: [0.985, 1.025], C: [0.985, 1.025] },
    MC: [0.985, 1.025],
  }),
  ...rules('inertia', 'iy', 'Iy of the rectangles', iInertiaY, {
    ...{ W: [0.98, 1.02], HP: [0.98, 1.02], M: [0.98, 1.02], S: [0.79, 0.89] },
  }),
  ...rules('inertia', 'ix', 'Ix of the rectangles', teeInertia, {
    WT: [0.975, 1.025],
    MT: [0.98, 1.025],
    ST: [0.955, 1.02],
  }),
  ...rules('inertia', 'iy', 'Iy of the rectangles', teeInertiaY, {
    WT: [0.975, 1.02],
    MT: [0.98, 1.02],
    ST: [0.79, 0.89],
  }),
  ...rules('inertia', 'ix', 'Ix of the box', boxInertia, { HSS: [0.765, 1] }),
  ...rules('inertia', 'iy', 'Iy of the box', boxInertiaY, { HSS: [0.765, 1] }),
  ...rules('inertia', 'ix', 'π/64(OD⁴ − (OD − 2t)⁴)', ringInertia, { HSS: [0.98, 1.02], PIPE: [0.97, 1.03] }),
  ...rules('inertia', 'iy', 'π/64(OD⁴ − (OD − 2t)⁴)', ringInertia, { HSS: [0.98, 1.02], PIPE: [0.97, 1.03] }),

  ...rules('plastic-modulus', 'zx', 'Zx of the rectangles', iPlastic, {
    ...{ W: [0.985, 1.035], HP: [0.985, 1.055], M: [0.985, 1.05], S: [0.985, 1.025], C: [0.985, 1.025] },
    MC: [0.985, 1.025],
  }),
  ...rules('plastic-modulus', 'zy', 'Zy of the rectangles', iPlasticY, {
    ...{ W: [0.98, 1.02], HP: [0.98, 1.02], M: [0.98, 1.03], S: [0.88, 0.95] },
  }),
  ...rules('plastic-modulus', 'zy', 'Zy of the rectangles', teePlasticY, {
    ...{ WT: [0.98, 1.02], MT: [0.98, 1.02], ST: [0.88, 0.95] },
  }),
  ...rules('plastic-modulus', 'zx', 'Zx of the box', boxPlastic, { HSS: [0.8, 1] }),
  ...rules('plastic-modulus', 'zy', 'Zy of the box', boxPlasticY, { HSS: [0.8, 1] }),
  ...rules('plastic-modulus', 'zx', '(OD³ − (OD − 2t)³)/6', ringPlastic, { HSS: [0.985, 1.015], PIPE: [0.97, 1.035] }),
  ...rules('plastic-modulus', 'zy', '(OD³ − (OD − 2t)³)/6', ringPlastic, { HSS: [0.985, 1.015], PIPE: [0.97, 1.035] }),

  ...rules('torsion', 'torsion_constant', 'Σbt³/3', iTorsion, {
    ...{ W: [0.93, 1.25], HP: [1, 1.46], M: [1.05, 1.5], S: [1.1, 1.42], C: [1.05, 1.25], MC: [0.97, 1.2] },
  }),
  ...rules('torsion', 'torsion_constant', 'Σbt³/3', teeTorsion, {
    WT: [0.92, 1.25],
    MT: [1.05, 1.45],
    ST: [1.1, 1.42],
  }),
  ...rules('torsion', 'torsion_constant', 'Σbt³/3', (v) => (v[T]! ** 2 * angleArea(v)) / 3, { L: [0.97, 1.17] }),
  ...rules('torsion', 'torsion_constant', '2t(Ht − t)²(B − t)²/(Ht + B − 2t)', boxTorsion, { HSS: [0.97, 1.05] }),
  ...rules('torsion', 'hss_torsion_constant', '2(B − t)(Ht − t)t − 4.5(4 − π)t³', boxTorsionModulus, {
    HSS: [0.98, 1.02],
  }),

  ...rules('warping', 'warping_constant', 'Iy × ho²/4', (v) => (v[IY]! * flanges(v) ** 2) / 4, {
    ...{ W: [0.98, 1.02], HP: [0.98, 1.02], M: [0.98, 1.02], S: [0.98, 1.02], C: [0.81, 0.91], MC: [0.72, 0.97] },
  }),
  ...rules('warping', 'warping_constant', 'bf³tf³/144 + (d − tf/2)³tw³/36', teeWarping, {
    ...{ WT: [0.97, 1.03], MT: [0.97, 1.03], ST: [0.97, 1.03] },
  }),
  ...rules('warping', 'warping_function', 'bf × ho/4', (v) => (v[BF]! * v[HO]!) / 4, {
    ...{
      W: [0.985, 1.015],
      HP: [0.985, 1.015],
      M: [0.985, 1.015],
      S: [0.985, 1.015],
      C: [1.07, 1.33],
      MC: [1.06, 1.45],
    },
  }),
  ...rules('warping', 'warping_moment_1', 'tf × bf² × ho/16', (v) => (v[TF]! * v[BF]! ** 2 * v[HO]!) / 16, {
    ...{ W: [0.975, 1.025], HP: [0.975, 1.025], M: [0.975, 1.025], S: [0.975, 1.025], C: [1.15, 1.75] },
    MC: [1.15, 2.06],
  }),
  ...rules(
    'first-moment',
    'statical_moment_flange',
    'tf(bf − tw)ho/4',
    (v) => (v[TF]! * (v[BF]! - v[TW]!) * v[HO]!) / 4,
    {
      ...{ W: [0.98, 1.02], HP: [0.98, 1.02], M: [0.98, 1.02], S: [0.98, 1.02] },
    },
  ),

  ...rules('first-moment', 'statical_moment_web', 'Zx/2', (v) => v[ZX]! / 2, {
    ...{
      W: [0.955, 1.015],
      HP: [0.94, 1.015],
      M: [0.88, 1.015],
      S: [0.975, 1.015],
      C: [0.975, 1.015],
      MC: [0.975, 1.015],
    },
  }),

  ...rules('perimeter', 'perimeter', '2d + 4bf − 2tw', (v) => 2 * v[D]! + 4 * v[BF]! - 2 * v[TW]!, {
    ...{
      W: [0.97, 1.005],
      HP: [0.97, 1.005],
      M: [0.955, 1.005],
      S: [0.92, 1.005],
      C: [0.93, 1.015],
      MC: [0.92, 1.015],
    },
  }),
  ...rules('perimeter', 'perimeter', '2(d + bf)', (v) => 2 * (v[D]! + v[BF]!), { WT: [0.96, 1.005] }),
  ...rules('perimeter', 'perimeter', '2(d + b)', (v) => 2 * (v[D]! + v[LEG]!), { L: [0.985, 1.015] }),
  ...rules(
    'perimeter',
    'perimeter_less_one_flange',
    'PB − bf',
    (v) => v[PB]! - v[BF]!,
    eachOf([...I_SHAPES, ...CHANNELS, 'WT'], [0.985, 1.015]),
  ),
  ...rules('perimeter', 'perimeter_less_long_leg', 'PB − leg', (v) => v[PB]! - Math.max(v[D]!, v[LEG]!), {
    L: [0.985, 1.015],
  }),
  ...rules(
    'perimeter',
    'box_perimeter',
    '2(d + bf)',
    (v) => 2 * (v[D]! + v[BF]!),
    eachOf([...I_SHAPES, ...CHANNELS, 'WT'], [0.985, 1.015]),
  ),
  ...rules(
    'perimeter',
    'box_perimeter_less_one_flange',
    'PD − bf',
    (v) => v[PD]! - v[BF]!,
    eachOf([...I_SHAPES, ...CHANNELS, 'WT'], [0.985, 1.015]),
  ),

  // Of W shapes it is an identity; the other types have tapered flanges, or a depth of web of their own.
  ...rules('slenderness', 'web_slenderness', '(d − 2k)/tw', (v) => (v[D]! - 2 * v[KDES]!) / v[TW]!, {
    ...{ M: [0.99, 1.08], S: [0.98, 1.11], HP: [0.98, 1.12], C: [1, 1.2], MC: [0.94, 1.14] },
  }),

  // What is left of the wall for design: 0.93 of the nominal one, all of it to ASTM A1085.
  ...rules('wall', 'wall_thickness_design', 'tnom', (v) => v[TNOM]!, { HSS: [0.915, 1.005], PIPE: [0.92, 1.005] }),
];

function rules(name: string, column: string, formula: string, expected: Formula, ranges: Ranges): Rule[] {
  return Object.entries(ranges).map(([family, warn]) => ({
    ...{ name, families: [family], column, formula, expected, warn },
    source: 'Fillets, tapers and corners are not in the formula; the range is measured on the published tables.',
  }));
}

function eachOf(families: readonly string[], range: Range): Ranges {
  return Object.fromEntries(families.map((family) => [family, range]));
}

/** The web between the flanges. */
function web(v: Values): number {
  return v[D]! - 2 * v[TF]!;
}

function stem(v: Values): number {
  return v[D]! - v[TF]!;
}

function flanges(v: Values): number {
  return v[D]! - v[TF]!;
}

function inner(v: Values, side: number): number {
  return v[side]! - 2 * v[TDES]!;
}

function teeInertia(v: Values): number {
  const [flange, height] = [v[BF]! * v[TF]!, stem(v)];
  const area = flange + height * v[TW]!;
  const centroid = ((flange * v[TF]!) / 2 + height * v[TW]! * (v[TF]! + height / 2)) / area;
  const own = (v[BF]! * v[TF]! ** 3 + v[TW]! * height ** 3) / 12;
  return own + flange * (centroid - v[TF]! / 2) ** 2 + height * v[TW]! * (v[TF]! + height / 2 - centroid) ** 2;
}

function boxArea(v: Values): number {
  const t = v[TDES]!;
  return 2 * t * (v[HT]! + v[B]! - 2 * t) - 3 * (4 - Math.PI) * t * t;
}

function boxTorsion(v: Values): number {
  const [t, height, width] = [v[TDES]!, v[HT]! - v[TDES]!, v[B]! - v[TDES]!];
  return (2 * t * height ** 2 * width ** 2) / (height + width);
}

function boxTorsionModulus(v: Values): number {
  const t = v[TDES]!;
  return 2 * (v[B]! - t) * (v[HT]! - t) * t - 4.5 * (4 - Math.PI) * t ** 3;
}
