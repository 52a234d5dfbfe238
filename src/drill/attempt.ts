import { withDatabase } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { ScratchCluster } from '../postgres/cluster.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import type { BackupEntry } from '../repository/backups.ts';
import type { DumpManifest } from '../repository/manifest.ts';
import { performRestore, planFor, type RestorePlan, type RestoreResult } from '../restore/index.ts';
import type { Check } from './checks.ts';
import { checkFrozen, withFrozenCopy } from './copy.ts';
import { firstWrite } from './first-write.ts';
import { createRoles } from './globals.ts';
import type { RtoPhases } from './result.ts';
import type { WriteProbe } from './write-probe.ts';

export interface AttemptOptions {
  readonly entry: BackupEntry;
  readonly manifest: DumpManifest;
  readonly places: SearchPlaces;
  readonly cluster: ScratchCluster;
  readonly scratchMajor: number;
  /** By the monotonic clock: when the drill began. */
  readonly startedMs: number;
  readonly selectMs: number;
}

export interface RestoredCopy {
  readonly restore: RestoreResult;
  readonly write: WriteProbe | null;
  readonly checks: readonly Check[];
  readonly checksMs: number;
  readonly measuredMs: number;
  readonly phases: RtoPhases;
  readonly scratchMajor: number;
}

const DATABASE = 'structdb_drill';

/** One backup on the running scratch server: roles, restore, the first write (which ends the RTO), the checks. */
export async function restoreAndCheck(options: AttemptOptions, context: RunContext): Promise<RestoredCopy> {
  const { entry, manifest, cluster, places, scratchMajor, startedMs, selectMs } = options;
  const elapsedMs = () => Math.round(context.clock.monotonicMs() - startedMs);
  await withClient(cluster.connection, profiles.drill, context, (client) => createRoles(client, entry, manifest));
  const plan = await planFor({ entry, manifest, connection: cluster.connection, database: DATABASE, places }, context);
  const serverMs = elapsedMs() - selectMs;
  const restore = await restoreOnScratch(plan, context);
  const connection = withDatabase(cluster.connection, DATABASE);
  // The snapshot is taken before the write probe: what is checked is what was restored.
  return withFrozenCopy(connection, context, async (client) => {
    const beganMs = elapsedMs();
    const { write, writes } = await firstWrite(connection, context);
    const measuredMs = elapsedMs();
    const copy = { connection, manifest, sameMajor: scratchMajor === manifest.server.major };
    const checks = [writes, ...(await checkFrozen(client, copy, context))];
    const { fetchMs, loadMs, settingsMs } = restore.phases;
    return {
      restore,
      write,
      checks,
      checksMs: elapsedMs() - measuredMs,
      measuredMs,
      phases: { selectMs, serverMs, fetchMs, loadMs, settingsMs, firstWriteMs: measuredMs - beganMs },
      scratchMajor,
    };
  });
}

/** A superuser of an empty server of the right major restores: when pg_restore fails there, the dump is to blame. */
async function restoreOnScratch(plan: RestorePlan, context: RunContext): Promise<RestoreResult> {
  try {
    return await performRestore(plan, { compare: false }, context);
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') throw error;
    throw new StructdbError('BACKUP_CORRUPT', `Backup ${plan.entry.label} cannot be restored: ${error.message}`, {
      cause: error,
      details: error.details,
      hint: 'Make a new backup now: structdb backup run',
    });
  }
}
