import type { Fact } from '../../../monitor/facts/fact.ts';
import type { Proof } from '../confidence.ts';

/** What is the same of a proof whatever was found. */
export type Claim = Pick<Proof, 'id' | 'claim' | 'share' | 'remedy'>;

export const DAY_MS = 86_400_000;

/** Nothing that has no date of its own is taken for proven longer. */
export const GOOD_FOR_A_MONTH_MS = 31 * DAY_MS;

/** Looked at for this report. */
export function now(claim: Claim, shown: number, found: string): Proof {
  return { ...claim, shown, found, since: null };
}

/** Shown at that instant. */
export function then(claim: Claim, shown: number, found: string, at: Date, goodForMs: number): Proof {
  return { ...claim, shown, found, since: { at, goodForMs } };
}

/** Nothing shows it. */
export function unproven(claim: Claim, why: string): Proof {
  return now(claim, 0, why);
}

/** What a fact proves; one that could not be read proves nothing. */
export function from<T>(claim: Claim, fact: Fact<T>, prove: (value: T) => Proof): Proof {
  return fact.ok ? prove(fact.value) : unproven(claim, `Could not be read: ${fact.error}`);
}
