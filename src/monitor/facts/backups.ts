import { outlineOf, type TierRule, tierState } from '../../backup/index.ts';
import type { Config } from '../../config/schema.ts';
import type { RunContext } from '../../core/context.ts';
import { listBackups } from '../../repository/backups.ts';
import { findRepositories } from '../../repository/repository.ts';
import type { Store } from '../../storage/store.ts';
import type { Fact } from './fact.ts';
import type { StoreFacts, TierFacts } from './facts.ts';

const DAY_MS = 86_400_000;

/** How often each tier wants a backup, in milliseconds; a month has up to 31 days. */
const INTERVAL_MS = { daily: DAY_MS, weekly: 7 * DAY_MS, monthly: 31 * DAY_MS } as const;

export interface BackupSources {
  readonly policy: Config['backup'];
  readonly openStore: (name: string) => Promise<Store>;
  readonly systemIdentifier: string | undefined;
  readonly database: string | undefined;
}

/** A tier with the newest backup that counts for it. */
export async function readTier(rule: TierRule, sources: BackupSources, context: RunContext): Promise<TierFacts> {
  const { newest, ...state } = await tierState(rule, sources, context);
  return {
    ...state,
    intervalMs: INTERVAL_MS[rule.tier],
    newest: newest && {
      label: newest.label,
      at: newest.at,
      durationMs: newest.durationMs,
      sizeBytes: newest.sizeBytes,
      verified: newest.verification && { at: new Date(newest.verification.at), ok: newest.verification.ok },
    },
  };
}

/** A tier of which there is a last reading, or nothing. */
export function tierOfPart(rule: TierRule, fact: Fact<TierFacts>, policy: Config['backup'], now: Date): TierFacts {
  const outline = { ...outlineOf(rule, policy, now), intervalMs: INTERVAL_MS[rule.tier], due: false, newest: null };
  return { ...outline, ...(fact.ok ? fact.value : {}), error: whyNot(fact) };
}

export type BackupCounts = StoreFacts['backups'];

/** How many backups of this cluster a store has. */
export async function countBackups(store: string, sources: BackupSources): Promise<BackupCounts> {
  const { openStore, systemIdentifier } = sources;
  const counts = { dump: 0, base: 0, incremental: 0 };
  for (const repository of await findRepositories(await openStore(store))) {
    if (systemIdentifier !== undefined && repository.systemIdentifier !== systemIdentifier) continue;
    for (const { parts } of await listBackups(repository)) counts[parts.kind] += 1;
  }
  return counts;
}

/** A store: whether it answers, and what it had when it answered last. */
export function storeOfPart(store: string, fact: Fact<BackupCounts>): StoreFacts {
  return { store, backups: fact.ok ? fact.value : { dump: 0, base: 0, incremental: 0 }, error: whyNot(fact) };
}

/** Why there is no reading of now; null where there is. */
function whyNot(fact: Fact<unknown>): string | null {
  return fact.ok ? (fact.stale?.error ?? null) : fact.error;
}
