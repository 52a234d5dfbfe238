import { createHash } from 'node:crypto';
import { platformSuite } from '../../../benchmarks/suites/platform.ts';
import type { Suite } from './query.ts';

/** What a suite is recognised by: two runs of suites with different hashes did not ask the same. */
export interface SuiteFacts {
  readonly name: string;
  readonly hash: string;
  readonly queries: number;
}

/** The queries of the platform. */
export async function loadSuite(): Promise<Suite> {
  return platformSuite as Suite;
}

/** Hashes the statements as they are compiled for the first turn, with names, classes and targets. */
export function factsOf(suite: Suite, statements: readonly string[]): SuiteFacts {
  const hash = createHash('sha256');
  suite.queries.forEach((query, place) => {
    hash.update(JSON.stringify([query.name, query.class, query.targetMs ?? null, statements[place]]));
  });
  return { name: suite.name, hash: hash.digest('hex').slice(0, 16), queries: suite.queries.length };
}
