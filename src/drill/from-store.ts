import path from 'node:path';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { findBackup, readClusterManifest } from '../repository/backups.ts';
import {
  type ClusterRestorePlan,
  type ClusterRestoreResult,
  performClusterRestore,
  planClusterRestore,
  type RecoveryTarget,
  type ReplayOptions,
  type ReplayResult,
  replayRestored,
  type TimelineWish,
} from '../restore/index.ts';
import type { Store } from '../storage/store.ts';
import type { PassedOver } from './result.ts';

export interface FromStoreOptions {
  readonly store: Store;
  readonly walStore: Store;
  /** Labels to try, the newest first. */
  readonly labels: readonly string[];
  readonly target: RecoveryTarget;
  readonly timeline?: TimelineWish | undefined;
  /** Where the restored data directories go; others may be in it. */
  readonly directory: string;
  /** What their names begin with. */
  readonly name: string;
  readonly places: SearchPlaces;
  readonly settings?: ReplayOptions['settings'];
  /** What looks at a restored directory before its server starts; its time is no part of the recovery. */
  readonly inspect?: ((restored: ClusterRestoreResult) => Promise<void>) | undefined;
  /** Told of a backup that cannot be used, and why, before the next older one is tried. */
  readonly onPassedOver?: ((passed: PassedOver, error: StructdbError) => Promise<void>) | undefined;
}

/** A server that was recovered from a store and runs; `replay.stop` ends it. */
export interface FromStore {
  readonly plan: ClusterRestorePlan;
  readonly restored: ClusterRestoreResult;
  readonly replay: ReplayResult;
  readonly passedOver: readonly PassedOver[];
  /** The segment that is missing, where replay had to stop before the end of what is in the archive. */
  readonly hole: { readonly missing: string; readonly message: string } | undefined;
  /** In milliseconds; `inspectMs` is no part of the recovery. */
  readonly phases: {
    /** What trying newer backups cost, which could not be used. */
    readonly passedOverMs: number;
    readonly planMs: number;
    readonly fetchMs: number;
    readonly startMs: number;
    readonly replayMs: number;
    readonly promoteMs: number;
    readonly inspectMs: number;
  };
}

/** What says that this backup is no good, and that an older one may be. */
const UNUSABLE: ReadonlySet<string> = new Set(['BACKUP_CORRUPT', 'MANIFEST_UNREADABLE', 'OBJECT_MISSING']);

/**
 * Recovers as an operator would: the newest backup, and where that is damaged the next older one; all WAL that replay can
 * reach, and where the archive has a hole everything before it.
 * @throws what plan, restore and replay of the last label throw
 */
export async function recoverNewest(options: FromStoreOptions, context: RunContext): Promise<FromStore> {
  const passedOver: PassedOver[] = [];
  const began = context.clock.monotonicMs();
  for (const [index, label] of options.labels.entries()) {
    try {
      const passedOverMs = Math.round(context.clock.monotonicMs() - began);
      return await recover({ options, label, index, passedOver, passedOverMs }, context);
    } catch (error) {
      if (!(error instanceof StructdbError) || !UNUSABLE.has(error.code)) throw error;
      const passed = { label, reason: error.message };
      passedOver.push(passed);
      await options.onPassedOver?.(passed, error);
      if (index === options.labels.length - 1) throw error;
      context.report({ kind: 'warning', message: `${error.message} Falling back to the next older one.` });
    }
  }
  throw new StructdbError('BACKUP_MISSING', 'There is no base backup to recover from.', {
    hint: 'Make one: structdb backup run --kind base',
  });
}

interface Attempt {
  readonly options: FromStoreOptions;
  readonly label: string;
  readonly index: number;
  readonly passedOver: readonly PassedOver[];
  readonly passedOverMs: number;
}

async function recover(attempt: Attempt, context: RunContext): Promise<FromStore> {
  const { options, passedOver, passedOverMs } = attempt;
  const { clock } = context;
  const began = clock.monotonicMs();
  const { plan, hole } = await planBeforeHole(attempt, context);
  const planned = clock.monotonicMs();
  const restored = await performClusterRestore(plan, context);
  const fetched = clock.monotonicMs();
  await options.inspect?.(restored);
  const inspected = clock.monotonicMs();
  const replay = await replayRestored(restored, { settings: options.settings }, context);
  const { phases } = replay;
  return {
    plan,
    restored,
    replay,
    passedOver,
    hole,
    phases: {
      passedOverMs,
      planMs: Math.round(planned - began),
      fetchMs: Math.round(fetched - planned),
      // What lies between the parts that the replay measured is part of the start.
      startMs: Math.round(clock.monotonicMs() - inspected) - phases.replayMs - phases.promoteMs,
      replayMs: phases.replayMs,
      promoteMs: phases.promoteMs,
      inspectMs: Math.round(inspected - fetched),
    },
  };
}

/** Where the archive has a hole the plan refuses and says how far one gets; an operator then takes that. */
async function planBeforeHole({ options, label, index }: Attempt, context: RunContext) {
  const { store, walStore, target, timeline, places } = options;
  const targetDirectory = path.join(options.directory, `${options.name}-${index}`);
  const tablespaces = await tablespacesFor(options, label, targetDirectory);
  const common = { store, walStore, label, timeline, places, tablespaces };
  try {
    const plan = await planClusterRestore({ ...common, target, targetDirectory }, context);
    return { plan, hole: undefined };
  } catch (error) {
    const isHole = error instanceof StructdbError && error.code === 'WAL_MISSING' && target.kind === 'latest';
    if (!isHole) throw error;
    const upToHole = { kind: 'latest', acceptGap: true } as const;
    const plan = await planClusterRestore({ ...common, target: upToHole, targetDirectory }, context);
    const { missing } = plan.reach;
    if (missing === undefined) throw error;
    context.report({ kind: 'warning', message: error.message });
    return { plan, hole: { missing, message: error.message } };
  }
}

/** Every tablespace into scratch space: where it was are the files of the source. */
async function tablespacesFor({ store }: FromStoreOptions, label: string, targetDirectory: string) {
  const { tablespaces } = await readClusterManifest(await findBackup(store, label));
  return new Map(tablespaces.map(({ oid, location }) => [location, `${targetDirectory}-tablespace-${oid}`]));
}
