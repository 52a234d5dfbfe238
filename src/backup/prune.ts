import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import {
  type BackupEntry,
  lastVerification,
  listBackups,
  readManifest,
  removeBackup,
  type Series,
} from '../repository/backups.ts';
import type { Repository } from '../repository/repository.ts';
import { expiredBackups, type RetentionEntry } from './retention.ts';

export interface PruneOptions {
  readonly repository: Repository;
  readonly series: Series;
  readonly policy: Config['backup'];
  readonly keepLast: { readonly purpose: string; readonly count: number } | undefined;
}

/** Removes what retention no longer keeps, after a successful backup and under its lease. Returns the labels. */
export async function prune(options: PruneOptions, context: RunContext): Promise<string[]> {
  const entries: RetentionEntry[] = [];
  for (const entry of await listBackups(options.repository, options.series)) {
    const described = await describe(entry);
    // What cannot be read is nobody's to delete by a rule.
    if (described) entries.push(described);
  }
  const keepMs = { daily: options.policy.daily.keep };
  const labels = expiredBackups(entries, keepMs, options.keepLast, context.clock.now());
  for (const label of labels) await removeBackup(options.repository, label);
  return labels;
}

async function describe(entry: BackupEntry): Promise<RetentionEntry | undefined> {
  try {
    const { tiers, purpose, keepLast } = await readManifest(entry);
    const verified = (await lastVerification(entry))?.ok === true;
    return { label: entry.label, at: entry.parts.at, tiers, purpose, keepLast, verified };
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'MANIFEST_UNREADABLE') return undefined;
    throw error;
  }
}
