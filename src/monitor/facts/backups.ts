import { tierStates } from '../../backup/index.ts';
import type { Config } from '../../config/schema.ts';
import { usedStores } from '../../config/store-names.ts';
import type { RunContext } from '../../core/context.ts';
import { messageOf } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { listBackups } from '../../repository/backups.ts';
import { findRepositories } from '../../repository/repository.ts';
import type { Store } from '../../storage/store.ts';
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

/** Each tier with the newest backup that counts for it. */
export async function readTiers(sources: BackupSources, context: RunContext): Promise<TierFacts[]> {
  const states = await tierStates(sources, context);
  return states.map(({ newest, ...state }) => ({
    ...state,
    intervalMs: INTERVAL_MS[state.tier],
    newest: newest && {
      label: newest.label,
      at: newest.at,
      durationMs: newest.durationMs,
      sizeBytes: newest.sizeBytes,
      verified: newest.verification && { at: new Date(newest.verification.at), ok: newest.verification.ok },
    },
  }));
}

/** Every store that something goes into: whether it answers, and how many backups of this cluster it has. */
export async function readStores(sources: BackupSources, context: RunContext): Promise<StoreFacts[]> {
  return Promise.all(usedStores(sources.policy).map(({ name }) => readStore(name, sources, context)));
}

async function readStore(
  name: string,
  { openStore, systemIdentifier }: BackupSources,
  { signal }: RunContext,
): Promise<StoreFacts> {
  const backups = { dump: 0, base: 0, incremental: 0 };
  try {
    for (const repository of await findRepositories(await openStore(name))) {
      if (systemIdentifier !== undefined && repository.systemIdentifier !== systemIdentifier) continue;
      for (const { parts } of await listBackups(repository)) backups[parts.kind] += 1;
    }
    return { store: name, backups, error: null };
  } catch (error) {
    if (signal.aborted) throw error;
    return { store: name, backups, error: redact(messageOf(error)) };
  }
}
