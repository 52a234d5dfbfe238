import type { Config } from '../config/schema.ts';
import { baseStoreName } from '../config/store-names.ts';
import type { BackupKind } from '../repository/label.ts';
import type { Tier } from '../repository/manifest.ts';

/** A tier as it is kept: what is made for it, where it goes, how long it stays. */
export interface TierRule {
  readonly tier: Tier;
  readonly kind: BackupKind;
  /** The name of the store in the configuration. */
  readonly store: string;
  readonly keepMs: number;
  /** Not in the configuration: done where the role may, and otherwise only told. */
  readonly implied: boolean;
}

/** What one backup can be made for: every tier of a kind and store. */
export interface Task {
  readonly kind: BackupKind;
  readonly store: string;
  readonly tiers: readonly TierRule[];
  /** Whether none of its tiers is in the configuration. */
  readonly implied: boolean;
}

const WEEK_MS = 7 * 86_400_000;

/** How long weekly and monthly base backups are kept that no configuration asked for: a month has 31 days. */
const IMPLIED_KEEP_MS = { weekly: 12 * WEEK_MS, monthly: 12 * 31 * 86_400_000 } as const;

/** Dumps first, since they need least; a base backup before incrementals, which build on one. */
const ORDER: readonly BackupKind[] = ['dump', 'base', 'incremental'];

/** The three tiers. Weekly and monthly ones that are not configured are base backups where such go anyway. */
export function tierRules(policy: Config['backup']): readonly TierRule[] {
  const { daily } = policy;
  const rules: TierRule[] = [
    { tier: 'daily', kind: daily.kind, store: daily.store, keepMs: daily.keep, implied: false },
  ];
  for (const tier of ['weekly', 'monthly'] as const) {
    const own = policy[tier];
    rules.push(
      own
        ? { tier, kind: own.kind, store: own.store, keepMs: own.keep, implied: false }
        : { tier, kind: 'base', store: baseStoreName(policy), keepMs: IMPLIED_KEEP_MS[tier], implied: true },
    );
  }
  return rules;
}

/** Everything that a scheduled run looks after: one task for each kind and store. */
export function tasksOf(policy: Config['backup']): Task[] {
  const tasks = new Map<string, Task>();
  for (const rule of tierRules(policy)) {
    const key = `${rule.kind} ${rule.store}`;
    const tiers = [...(tasks.get(key)?.tiers ?? []), rule];
    tasks.set(key, { kind: rule.kind, store: rule.store, tiers, implied: tiers.every(({ implied }) => implied) });
  }
  return [...tasks.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** The tiers that a backup of that kind in that store counts for. */
export function tiersServedBy(kind: BackupKind, store: string, policy: Config['backup']): TierRule[] {
  return tierRules(policy).filter((rule) => rule.store === store && serves(kind, rule.kind));
}

/** A whole base backup is all that an incremental one is, and stands on its own. */
export function serves(made: BackupKind, wanted: BackupKind): boolean {
  return made === wanted || (made === 'base' && wanted === 'incremental');
}
