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

const LIVE_LOADS = [20, 40, 50, 80, 100, 125, 250] as const;
const WINDS = [100, 105, 110, 115, 120, 140, 160] as const;
/** As JSON.stringify writes them; writing a fraction takes longer than all else of a check. */
const TENTHS = Array.from({ length: 901 }, (_, number) => String(number / 10));
const THOUSANDTHS = Array.from({ length: 1081 }, (_, number) => String(number / 1000));

/**
 * The snapshot that project number `index` saved as `version`. Written in the canonical form (RFC 8785, 3.2.3: keys
 * sorted by UTF-16 code units, no space): as text, because making an object of it first takes twice as long.
 */
export function designSnapshot(seed: number, index: number, version: number): DesignSnapshot {
  // Sixteen versions of each project to a stream: one number holds both.
  const stream = PAYLOAD_STREAM + 16 * (version >>> 4);
  const random = new Random(seed, stream, index * 16 + (version & 15));
  const module = random.pick(MODULES);
  const checks = drawChecks(random);
  // Drawn in the order of the text, which is that of the keys.
  const text =
    `{"checks":[${checks.text}],` +
    `"geometry":{"height_ft":${TENTHS[random.between(80, 400)]},"spacing_ft":${TENTHS[random.between(50, 300)]},` +
    `"span_ft":${TENTHS[random.between(100, 900)]}},"governing":"${checks.governing}",` +
    `"loads":{"dead_psf":${random.between(15, 120)},"live_psf":${random.pick(LIVE_LOADS)},` +
    `"snow_psf":${random.between(0, 60)},"wind_mph":${random.pick(WINDS)}},` +
    `"material":"${random.pick(MATERIALS)}","member":"${random.pick(MEMBERS)}",` +
    `"method":"${random.fraction() < 0.8 ? 'LRFD' : 'ASD'}",` +
    `"notes":"Revision ${version} of the ${module} design\\nchecked by hand: ${random.fraction() < 0.3 ? 'yes' : 'no'}",` +
    `"utilisation":${checks.utilisation}}`;
  return { module, text, sha256: hash('sha256', text), confidence: random.between(550, 999) / 1000 };
}

/** Three to five different checks of the code, each with its demand over capacity; the first of the worst governs. */
function drawChecks(random: Random): { text: string; governing: string; utilisation: string } {
  const first = random.between(0, CHECKS.length - 1);
  const count = random.between(3, 5);
  let [text, governing, most] = ['', '', 0];
  for (let step = 0; step < count; step += 1) {
    const [section, name] = CHECKS[(first + step) % CHECKS.length]!;
    const ratio = random.between(200, 1080);
    text += `${step === 0 ? '' : ','}{"code":"AISC 360-22 ${section}","name":"${name}","ratio":${THOUSANDTHS[ratio]}}`;
    if (ratio > most) [governing, most] = [name, ratio];
  }
  return { text, governing, utilisation: THOUSANDTHS[most]! };
}
