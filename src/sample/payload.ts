import { hash } from 'node:crypto';
import { Random } from './random.ts';

/** A design snapshot: its text is its RFC 8785 form already, and the hash is that of the text. */
export interface DesignSnapshot {
  readonly module: string;
  readonly text: string;
  readonly sha256: string;
  /** 0 to 1, three decimals. */
  readonly confidence: number;
}

const PAYLOAD_STREAM = 4;
const MODULES = ['beam', 'column', 'connection', 'floor', 'footing', 'frame', 'seismic', 'wind'] as const;
const MEMBERS =
  'W8X31,W10X49,W12X26,W12X65,W14X22,W14X90,W16X31,W18X35,W18X50,W21X44,W24X55,W24X76,W27X84,W30X99,HSS6X6X.375,HSS8X8X.5'.split(
    ',',
  );
const MATERIALS = ['A992', 'A992', 'A992', 'A36', 'A572-50', 'A500-C'] as const;
const CHECKS: readonly (readonly [string, string])[] = [
  ['D2', 'tension'],
  ['E3', 'compression'],
  ['F2', 'flexure'],
  ['G2', 'shear'],
  ['H1', 'interaction'],
  ['J3', 'bolts'],
  ['J4', 'block shear'],
];

/**
 * The snapshot that project number `index` saved as `version`. Keys are written in sorted order and numbers are short
 * decimals, so JSON.stringify yields the canonical form (RFC 8785, 3.2.3: keys sorted by UTF-16 code units).
 */
export function designSnapshot(seed: number, index: number, version: number): DesignSnapshot {
  // Sixteen versions of each project to a stream: one number holds both.
  const stream = PAYLOAD_STREAM + 16 * (version >>> 4);
  const random = new Random(seed, stream, index * 16 + (version & 15));
  const module = random.pick(MODULES);
  const checks = drawChecks(random);
  const governing = checks.reduce((most, check) => (check.ratio > most.ratio ? check : most));
  const text = JSON.stringify({
    checks,
    geometry: {
      height_ft: random.between(80, 400) / 10,
      spacing_ft: random.between(50, 300) / 10,
      span_ft: random.between(100, 900) / 10,
    },
    governing: governing.name,
    loads: {
      dead_psf: random.between(15, 120),
      live_psf: random.pick([20, 40, 50, 80, 100, 125, 250]),
      snow_psf: random.between(0, 60),
      wind_mph: random.pick([100, 105, 110, 115, 120, 140, 160]),
    },
    material: random.pick(MATERIALS),
    member: random.pick(MEMBERS),
    method: random.fraction() < 0.8 ? 'LRFD' : 'ASD',
    notes: `Revision ${version} of the ${module} design\nchecked by hand: ${random.fraction() < 0.3 ? 'yes' : 'no'}`,
    utilisation: governing.ratio,
  });
  return { module, text, sha256: hash('sha256', text), confidence: random.between(550, 999) / 1000 };
}

/** Three to five different checks of the code, each with its demand over capacity. */
function drawChecks(random: Random): { code: string; name: string; ratio: number }[] {
  const first = random.between(0, CHECKS.length - 1);
  return Array.from({ length: random.between(3, 5) }, (_, step) => {
    const [section, name] = CHECKS[(first + step) % CHECKS.length]!;
    return { code: `AISC 360-22 ${section}`, name, ratio: random.between(200, 1080) / 1000 };
  });
}
