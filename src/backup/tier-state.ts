import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { periodStart } from '../core/period.ts';
import {
  type BackupEntry,
  lastVerification,
  listBackups,
  readManifest,
  type Verification,
} from '../repository/backups.ts';
import type { BackupKind } from '../repository/label.ts';
import type { Tier } from '../repository/manifest.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { dueTiers } from './due.ts';
import { serves, type TierRule } from './tiers.ts';
import { sizeOf } from './verify.ts';

export interface TierStateOptions {
  /** Opens a store by its name in the configuration. */
  readonly openStore: (name: string) => Promise<Store>;
  readonly policy: Config['backup'];
  /** Whose backups count: only those of this cluster; undefined where nobody can say, then those of every cluster. */
  readonly systemIdentifier?: string | undefined;
  /** Whose dumps count; undefined: those of every database. */
  readonly database?: string | undefined;
}

/** A tier: whether it has what it is for, and the newest backup that counts for it. */
export interface TierState {
  readonly tier: Tier;
  readonly kind: BackupKind;
  /** The name of the store. */
  readonly store: string;
  /** Whether the configuration asks for it; others are made where the role may. */
  readonly asked: boolean;
  readonly periodBegan: Date;
  /** Whether the current period has no good backup. */
  readonly due: boolean;
  readonly newest: NewestOfTier | null;
}

export interface NewestOfTier {
  readonly label: string;
  readonly at: Date;
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** null: nobody has looked. */
  readonly verification: Verification | null;
}

/** How one tier stands, from what is in its store. Needs no server, takes no lease and writes nothing. */
export async function tierState(rule: TierRule, options: TierStateOptions, context: RunContext): Promise<TierState> {
  const repositories = await repositoriesOf(await options.openStore(rule.store), options.systemIdentifier);
  return {
    ...outlineOf(rule, options.policy, context.clock.now()),
    due: await isDue(repositories, rule, options, context),
    newest: await newestOf(repositories, rule, options.database),
  };
}

/** What is known of a tier without looking into its store. */
export function outlineOf(
  rule: TierRule,
  policy: Config['backup'],
  now: Date,
): Pick<TierState, 'tier' | 'kind' | 'store' | 'asked' | 'periodBegan'> {
  const { tier, kind, store } = rule;
  const periodBegan = periodStart(tier, now, { at: policy.daily.at, timeZone: policy.timeZone });
  return { tier, kind, store, asked: !rule.implied, periodBegan };
}

async function repositoriesOf(store: Store, systemIdentifier: string | undefined): Promise<Repository[]> {
  const all = await findRepositories(store);
  return systemIdentifier === undefined ? all : all.filter((each) => each.systemIdentifier === systemIdentifier);
}

/** Where nobody can say which cluster it is about, one that has its backup will do. */
async function isDue(
  repositories: readonly Repository[],
  rule: TierRule,
  { policy, database }: TierStateOptions,
  context: RunContext,
): Promise<boolean> {
  for (const repository of repositories) {
    const { due } = await dueTiers({ repository, database }, [rule], policy, context);
    if (due.length === 0) return false;
  }
  return true;
}

async function newestOf(
  repositories: readonly Repository[],
  { tier, kind }: TierRule,
  database: string | undefined,
): Promise<NewestOfTier | null> {
  let newest: NewestOfTier | null = null;
  for (const repository of repositories) {
    for (const entry of (await listBackups(repository)).reverse()) {
      const { parts } = entry;
      if (newest && parts.at <= newest.at) break;
      if (!serves(parts.kind, kind)) continue;
      if (parts.kind === 'dump' && database !== undefined && parts.database !== database) continue;
      const found = await describe(entry, tier);
      if (!found) continue;
      newest = found;
      break;
    }
  }
  return newest;
}

/** undefined for one that does not count for the tier, cannot be read, or was removed meanwhile. */
async function describe(entry: BackupEntry, tier: Tier): Promise<NewestOfTier | undefined> {
  try {
    const manifest = await readManifest(entry);
    if (!manifest.tiers.includes(tier)) return undefined;
    return {
      label: entry.label,
      at: new Date(manifest.stoppedAt),
      durationMs: manifest.durationMs,
      sizeBytes: sizeOf(manifest),
      verification: (await lastVerification(entry)) ?? null,
    };
  } catch (error) {
    if (error instanceof StructdbError && ['MANIFEST_UNREADABLE', 'OBJECT_MISSING'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}
