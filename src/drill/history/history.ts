import { readEvidence } from '../../repository/evidence.ts';
import { findRepositories } from '../../repository/repository.ts';
import type { Store } from '../../storage/store.ts';

/** One drill of the past, from its evidence. */
export interface PastDrill {
  readonly at: string;
  readonly kind: 'dump' | 'base';
  readonly label: string;
  readonly systemIdentifier: string;
  /** null where nothing could be restored. */
  readonly rtoMs: number | null;
  /** null for a dump, and where it was not judged. */
  readonly rpoMs: number | null;
  readonly lostCommits: number | null;
  readonly bytesPerSecond: number | null;
  readonly checks: { readonly good: number; readonly all: number };
  readonly ok: boolean;
  readonly code: string | null;
  readonly evidence: string;
}

/** Every drill that left evidence in these stores, oldest first, or the last so many of them. What cannot be read is left out. */
export async function drillHistory(options: {
  readonly stores: readonly Store[];
  readonly last?: number | undefined;
}): Promise<PastDrill[]> {
  const past: PastDrill[] = [];
  const repositories = await Promise.all(options.stores.map(findRepositories));
  for (const repository of repositories.flat()) {
    for (const { key, record } of await readEvidence(repository, 'drills')) {
      const drill = pastDrill(record, repository.systemIdentifier, key);
      if (drill) past.push(drill);
    }
  }
  past.sort((a, b) => (a.at < b.at ? -1 : 1));
  return options.last === undefined ? past : past.slice(-options.last);
}

/** Evidence outlives the structdb that wrote it: nothing of its shape is taken for granted. */
function pastDrill(record: unknown, systemIdentifier: string, evidence: string): PastDrill | undefined {
  const found = asRecord(record);
  const verdict = asRecord(found?.verdict);
  if (!found || !verdict || typeof found.at !== 'string' || typeof found.label !== 'string') return undefined;
  const rpo = asRecord(found.rpo);
  const checks = Array.isArray(found.checks) ? found.checks : [];
  return {
    at: found.at,
    kind: found.kind === 'base' ? 'base' : 'dump',
    label: found.label,
    systemIdentifier,
    rtoMs: asNumber(asRecord(found.rto)?.measuredMs),
    rpoMs: rpo?.judged === true ? asNumber(rpo.lossMs) : null,
    lostCommits: asNumber(rpo?.lostCommits),
    bytesPerSecond: asNumber(asRecord(found.rate)?.bytesPerSecond),
    checks: { good: checks.filter((check) => asRecord(check)?.ok === true).length, all: checks.length },
    ok: verdict.ok === true,
    code: typeof verdict.code === 'string' ? verdict.code : null,
    evidence,
  };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function asNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
