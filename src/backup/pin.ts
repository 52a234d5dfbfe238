import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type BackupEntry, findBackup } from '../repository/backups.ts';
import type { Actor } from '../repository/holder.ts';
import { withLease } from '../repository/lease.ts';
import { type Pin, readPin, removePin, writePin } from '../repository/pins.ts';
import type { Store } from '../storage/store.ts';
import { PRUNE_LEASE } from './prune.ts';

export interface PinOptions {
  readonly store: Store;
  readonly label: string;
  readonly actor: Actor;
}

export interface PinResult {
  readonly label: string;
  readonly pin: Pin | null;
  /** False when there was nothing to do. */
  readonly changed: boolean;
}

/** Keeps a backup whatever its age, until `unpinBackup`. @throws BACKUP_MISSING, LOCKED while backups are pruned */
export async function pinBackup(
  options: PinOptions & { readonly reason?: string | undefined },
  context: RunContext,
): Promise<PinResult> {
  return withEntry(options, context, async (entry) => {
    const { actor, reason = null } = options;
    const changed = await writePin(entry, { by: actor, reason }, context.clock);
    return { label: entry.label, pin: (await readPin(entry)) ?? null, changed };
  });
}

/** Lets retention decide about a backup again. @throws BACKUP_MISSING, LOCKED while backups are pruned */
export async function unpinBackup(options: PinOptions, context: RunContext): Promise<PinResult> {
  return withEntry(options, context, async (entry) => ({
    label: entry.label,
    pin: null,
    changed: await removePin(entry),
  }));
}

/** Under the lease of pruning: a backup that is about to go must not be promised to stay. */
async function withEntry<T>(
  { store, label, actor }: PinOptions,
  context: RunContext,
  work: (entry: BackupEntry) => Promise<T>,
): Promise<T> {
  const entry = await findBackup(store, label);
  return withLease(entry.repository, PRUNE_LEASE, actor, context, async () => {
    if (await store.head(entry.repository.keys.manifest(label))) return work(entry);
    throw new StructdbError('BACKUP_MISSING', `${label} was removed just now.`, {
      hint: 'See what there is: structdb backup list',
    });
  });
}
