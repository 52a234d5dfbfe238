import type { Tier } from '../repository/manifest.ts';

/** What retention looks at, of one backup of a series. */
export interface RetentionEntry {
  readonly label: string;
  readonly at: Date;
  readonly tiers: readonly Tier[];
  readonly purpose: string;
  readonly keepLast: number | null;
  /** Whether its last verification found it whole; false also when it was never verified. */
  readonly verified: boolean;
}

/**
 * The labels that may go, oldest first. A backup of a tier goes when every tier it satisfies no longer keeps it; one
 * made with --keep-last goes when that many newer ones of its purpose exist; one that is neither stays until somebody
 * removes it. The newest verified backup never goes, and nothing goes while the newest backup is not verified.
 * `keepMs`: how long each tier keeps; a tier without an entry keeps for ever.
 */
export function expiredBackups(
  entries: readonly RetentionEntry[],
  keepMs: Readonly<Partial<Record<Tier, number>>>,
  keepLast: { readonly purpose: string; readonly count: number } | undefined,
  now: Date,
): string[] {
  const newestFirst = [...entries].sort((a, b) => b.at.getTime() - a.at.getTime());
  if (!newestFirst[0]?.verified) return [];
  const outlived = new Set(newestFirst.filter((entry) => isOutlived(entry, keepMs, now)));
  if (keepLast) {
    const own = newestFirst.filter(
      (entry) => entry.purpose === keepLast.purpose && entry.keepLast !== null && entry.tiers.length === 0,
    );
    for (const entry of own.slice(keepLast.count)) outlived.add(entry);
  }
  outlived.delete(newestFirst.find((entry) => entry.verified)!);
  return [...outlived].map((entry) => entry.label).sort();
}

function isOutlived(entry: RetentionEntry, keepMs: Readonly<Partial<Record<Tier, number>>>, now: Date): boolean {
  const age = now.getTime() - entry.at.getTime();
  return entry.tiers.length > 0 && entry.tiers.every((tier) => age > (keepMs[tier] ?? Number.POSITIVE_INFINITY));
}
