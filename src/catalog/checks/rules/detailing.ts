import { BF, D, KDET, TF, TW, TWDET } from '../places.ts';
import { CHANNELS, I_SHAPES, type Rule, TEES, within } from '../rule.ts';

/**
 * Dimensions for detailing are those for design in sixteenths or eighths of an inch (in SI, the whole millimetres of them).
 * They are told where they are farther away than rounding goes, and reject nothing.
 */
export const DETAILING: readonly Rule[] = [
  ...near('depth_detailing', 'd', (v) => v[D]!, 0.135),
  ...near('flange_width_detailing', 'bf', (v) => v[BF]!, 0.135),
  ...near('flange_thickness_detailing', 'tf', (v) => v[TF]!, 0.045),
  ...near('web_thickness_detailing', 'tw', (v) => v[TW]!, 0.04),
  ...near('half_web_thickness_detailing', 'twdet/2', (v) => v[TWDET]! / 2, 0.035),
  {
    ...near('web_flat', 'd − 2kdet', (v) => v[D]! - 2 * v[KDET]!, 0.25)[0]!,
    // HP shapes have a T that is larger than d − 2kdet by up to 1.2 in.
    families: ['W', 'M', 'S', ...CHANNELS],
  },
];

function near(column: string, formula: string, expected: Rule['expected'], slack: number): Rule[] {
  return [
    {
      ...{ name: 'detailing', families: [...I_SHAPES, ...CHANNELS, ...TEES], column, formula, expected, slack },
      warn: within(0.01),
      source: 'Rounded to sixteenths or eighths of an inch for the shop.',
    },
  ];
}
