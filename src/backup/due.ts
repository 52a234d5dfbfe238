import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { periodStart } from '../core/period.ts';
import { type BackupEntry, lastVerification, listBackups, readManifest } from '../repository/backups.ts';
import type { Manifest, Tier } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { serves, type TierRule } from './tiers.ts';

export interface DueTiers {
  /** Tiers whose current period has no successful backup. */
  readonly due: readonly Tier[];
  /** The newest backup that satisfies one of the others. */
  readonly satisfiedBy: string | null;
}

/**
 * Which of these tiers are due: those whose current day, week or month has no backup of their kind in this repository.
 * One that cannot be read, or that its last verification found broken, is no backup. `database`: whose dumps count;
 * undefined: those of every database.
 */
export async function dueTiers(
  of: { readonly repository: Repository; readonly database: string | undefined },
  rules: readonly TierRule[],
  policy: Pick<Config['backup'], 'daily' | 'timeZone'>,
  context: RunContext,
): Promise<DueTiers> {
  const calendar = { at: policy.daily.at, timeZone: policy.timeZone };
  const begins = new Map(rules.map(({ tier }) => [tier, periodStart(tier, context.clock.now(), calendar)] as const));
  const earliest = Math.min(...[...begins.values()].map((begin) => begin.getTime()));
  const open = new Set(rules);
  let satisfiedBy: string | null = null;
  for (const entry of (await listBackups(of.repository)).reverse()) {
    const { at, kind, database } = entry.parts;
    if (open.size === 0 || at.getTime() < earliest) break;
    if (kind === 'dump' && of.database !== undefined && database !== of.database) continue;
    const candidates = [...open].filter((rule) => serves(kind, rule.kind) && at >= begins.get(rule.tier)!);
    if (candidates.length === 0) continue;
    const manifest = await successful(entry);
    for (const rule of candidates) {
      if (!manifest?.tiers.includes(rule.tier)) continue;
      open.delete(rule);
      satisfiedBy ??= entry.label;
    }
  }
  return { due: [...open].map(({ tier }) => tier), satisfiedBy };
}

async function successful(entry: BackupEntry): Promise<Manifest | undefined> {
  try {
    const manifest = await readManifest(entry);
    return (await lastVerification(entry))?.ok === false ? undefined : manifest;
  } catch (error) {
    // Removed, or not readable: either way it satisfies nothing.
    if (error instanceof StructdbError && ['MANIFEST_UNREADABLE', 'OBJECT_MISSING'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}
