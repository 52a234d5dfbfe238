import type { ComparisonHints } from '../compare/judge.ts';
import type { OneSidedWords } from '../compare/words.ts';
import type { AgainstResult, AgainstSide } from './result.ts';

/** What was timed: `platform: the project as it is, in turns with main (1a2b3c4d5e)`. */
export function againstTitle({ suite, before, after }: AgainstResult): string {
  return `${suite}: ${after.name}, in turns with ${before.name}`;
}

/** `main (1a2b3c4d5e), PostgreSQL 17.2, up to 006_envelope_support` */
export function describeSide({ name, server, migration }: AgainstSide): string {
  return `${name}, PostgreSQL ${server}, up to ${migration ?? 'no migration'}`;
}

/** Of queries that one side alone can answer. */
export function oneSidedWords({ before, after }: AgainstResult): OneSidedWords {
  return { added: `only ${after.name} can answer it`, removed: `only ${before.name} has it` };
}

/** How it was timed and judged: `500 samples of each query on each side; more than 10 % slower fails`. */
export function describeTiming({ samples, threshold }: AgainstResult): string {
  return `${samples} samples of each query on each side; more than ${Number((threshold * 100).toPrecision(4))} % slower fails`;
}

export const AGAINST_HINTS: ComparisonHints = Object.freeze({
  fail: 'Look at what differs between the two: schema, indexes, queries, settings.',
  inconclusive: 'Run it again with more samples: --samples',
});
