/** Something that was looked at, and how far it proves what is promised. */
export interface Proof {
  /** Stable: `drills.restore`. */
  readonly id: string;
  /** What it is about: `A backup was restored in time`. */
  readonly claim: string;
  /** What was found, or why nothing could be; one line. */
  readonly found: string;
  /** What of its term it is; those of a term add up to 1. */
  readonly share: number;
  /** How much of the claim was shown, 0 to 1. What nobody looked at, or nobody could, is 0. */
  readonly shown: number;
  /** When it was shown, and for how many milliseconds that counts in full; null: it was looked at for this report. */
  readonly since: { readonly at: Date; readonly goodForMs: number } | null;
  /** What would prove all of it, and the command or the change that does. */
  readonly remedy: { readonly what: string; readonly command: string };
}

/** An area of what is promised, and what there is to prove it. */
export interface Area {
  readonly id: string;
  readonly title: string;
  readonly proofs: readonly Proof[];
}

export interface JudgedProof extends Proof {
  /** `shown`, less what its age takes. */
  readonly value: number;
}

/** A summand of the index. */
export interface Term {
  readonly id: string;
  readonly title: string;
  readonly weight: number;
  /** 0 to 1. */
  readonly value: number;
  readonly proofs: readonly JudgedProof[];
}

/** What is missing to 1. */
export interface Gap {
  readonly id: string;
  /** What the index would gain by it, before the cap. */
  readonly gain: number;
  readonly what: string;
  readonly command: string;
}

/** A promise that is known not to hold. */
export interface BrokenPromise {
  readonly id: string;
  readonly message: string;
  readonly fix: string | null;
}

export interface Confidence {
  /** 0 to 1. */
  readonly value: number;
  /** What it would be if no promise were broken. */
  readonly uncapped: number;
  /** null where nothing is broken. */
  readonly cap: number | null;
  readonly broken: readonly BrokenPromise[];
  readonly terms: readonly Term[];
  /** The largest first. */
  readonly gaps: readonly Gap[];
}

/**
 * What each area weighs. Bringing the database back is what everything else is for: backups, the way to every instant and
 * drills have two thirds of it, and of these the drills, which try the other two, the most. They add up to 1.
 */
export const WEIGHTS = Object.freeze({
  schema: 0.1,
  catalogs: 0.1,
  speed: 0.1,
  backups: 0.2,
  recovery: 0.2,
  drills: 0.25,
  monitoring: 0.05,
});

export type AreaId = keyof typeof WEIGHTS;

/** As long as a promise is broken the index stays below one half, whatever else is proven. */
export const BROKEN_CAP = 0.49;

/** Clocks of two machines may differ by so much; what is dated later proves nothing. */
const SKEW_MS = 5 * 60_000;

/**
 * What is left of a proof of that age: all of it while it is good, then half for each further such span. A drill that is
 * wanted every 8 days counts in full for 8, half after 16, a quarter after 24.
 */
export function freshness(ageMs: number, goodForMs: number): number {
  if (ageMs < -SKEW_MS) return 0;
  return ageMs <= goodForMs ? 1 : 2 ** -((ageMs - goodForMs) / goodForMs);
}

/**
 * The confidence index: the weighted sum of what was shown, less what age takes of it, and below one half while a promise is
 * broken. docs/report.md has the formula. 1 only where everything was shown, in full and lately.
 */
export function confidenceOf(
  areas: Readonly<Record<AreaId, Area>>,
  broken: readonly BrokenPromise[],
  now: Date,
): Confidence {
  const terms = (Object.keys(WEIGHTS) as AreaId[]).map((id) => termOf(areas[id], WEIGHTS[id], now));
  // From above, so that nothing missing is 1 and not a sum of rounded parts.
  const uncapped = clamp(1 - terms.reduce((sum, { weight, value }) => sum + weight * (1 - value), 0));
  const cap = broken.length > 0 ? BROKEN_CAP : null;
  const gaps = terms.flatMap(({ weight, proofs }) =>
    proofs
      .filter(({ value }) => value < 1)
      .map(({ id, share, value, remedy }) => ({ id, gain: weight * share * (1 - value), ...remedy })),
  );
  return {
    value: cap === null ? uncapped : Math.min(cap, uncapped),
    uncapped,
    cap,
    broken,
    terms,
    gaps: gaps.toSorted((a, b) => b.gain - a.gain),
  };
}

function termOf({ id, title, proofs }: Area, weight: number, now: Date): Term {
  const judged = proofs.map((proof): JudgedProof => {
    const { shown, since } = proof;
    const left = since === null ? 1 : freshness(now.getTime() - since.at.getTime(), since.goodForMs);
    return { ...proof, value: clamp(shown) * left };
  });
  const value = clamp(1 - judged.reduce((sum, each) => sum + each.share * (1 - each.value), 0));
  return { id, title, weight, value, proofs: judged };
}

/** NaN is nothing shown. */
function clamp(value: number): number {
  return value > 0 ? Math.min(1, value) : 0;
}

/** `0.87`: cut off, not rounded, so that 1.00 means that nothing is missing. */
export function formatIndex(value: number): string {
  return (Math.floor(value * 100 + 1e-9) / 100).toFixed(2);
}
