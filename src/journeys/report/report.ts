import { StructdbError } from '../../core/errors.ts';
import { toolVersion } from '../../core/tool-version.ts';
import type { Actor } from '../../repository/holder.ts';
import { type Confidence, confidenceOf, formatIndex } from './confidence.ts';
import type { Evidence } from './evidence.ts';
import { brokenPromises, proofsOf } from './proofs/index.ts';
import { sectionsOf } from './sections/index.ts';
import type { Section, Tone } from './sections/section.ts';

/** What a report shows, in whatever form. */
export interface Report {
  /** When the evidence was gathered, ISO 8601 in UTC. */
  readonly at: string;
  /** The version of structdb. */
  readonly structdb: string;
  readonly by: Pick<Actor, 'user' | 'host'>;
  readonly database: string;
  /** null where the server did not answer. */
  readonly server: string | null;
  readonly confidence: Confidence;
  readonly sections: readonly Section[];
  readonly evidence: Evidence;
}

/** Judges the evidence and puts it into words. */
export function reportOf(evidence: Evidence, by: Pick<Actor, 'user' | 'host'>): Report {
  return {
    at: evidence.at.toISOString(),
    structdb: toolVersion(),
    by: { user: by.user, host: by.host },
    database: evidence.database,
    server: evidence.serverVersion,
    confidence: confidenceOf(proofsOf(evidence), brokenPromises(evidence), evidence.at),
    sections: sectionsOf(evidence),
    evidence,
  };
}

/** The index in a sentence, and how it looks. */
export function headline({ confidence }: Report): { readonly tone: Tone; readonly sentence: string } {
  const { value, uncapped, broken, gaps } = confidence;
  if (broken.length > 0) {
    const what = broken.length === 1 ? 'A promise is broken' : `${broken.length} promises are broken`;
    const else_ = uncapped > value ? `; without that it would be ${formatIndex(uncapped)}` : '';
    return { tone: 'bad', sentence: `${what}${else_}.` };
  }
  if (gaps.length === 0) return { tone: 'good', sentence: 'Everything that is promised was proven lately.' };
  const count = gaps.length === 1 ? 'One proof is' : `${gaps.length} proofs are`;
  return { tone: 'open', sentence: `No promise is known to be broken. ${count} missing or aged.` };
}

/** How the index comes about: on every form of the report. */
export const FORMULA = [
  'The index is the sum of weight × value over all areas. The value of an area is the sum of share × shown × freshness over its proofs.',
  'Shown is how much of a claim was found true; what nobody looked at, or could not be read, counts 0.',
  'Freshness is 1 while a proof is good (drills: objectives.drillInterval; benchmarks and verifications: 31 days), and halves with each further such span.',
  'While a promise is known to be broken, the index is at most 0.49. It is cut off after two digits: 1.00 is reached only where nothing is missing.',
] as const;

/** The broken promise of `--min-confidence`: an index that is not reached. */
export function judgeReport({ confidence }: Report, least: number): StructdbError | undefined {
  const { value, broken, gaps } = confidence;
  if (value >= least) return undefined;
  return new StructdbError('CONFIDENCE_LOW', `The confidence index is ${formatIndex(value)}; ${least} was asked for.`, {
    details: broken.map(({ message }) => message),
    hint: broken[0]?.fix ?? (gaps[0] ? `Run: ${gaps[0].command}` : undefined),
  });
}
