import { formatLsn } from '../../core/lsn.ts';
import type { RecoveryWindow } from '../../repository/recovery-window.ts';
import type { Estimate } from './estimate.ts';
import type { ClusterRestorePlan, RestoreSizes } from './plan.ts';
import { describeTarget } from './target.ts';

/** A plan as people and scripts read it. */
export interface ClusterPlanSummary {
  readonly label: string;
  /** The backup and those it builds on, the whole one first. */
  readonly chain: readonly string[];
  readonly store: string;
  readonly walStore: string;
  readonly systemIdentifier: string;
  readonly serverVersion: string;
  readonly target: string;
  readonly targetDirectory: string;
  readonly timeline: number;
  readonly tablespaces: readonly { readonly name: string; readonly from: string; readonly to: string }[];
  readonly wal: {
    readonly from: string;
    readonly to: string;
    readonly segments: number;
    readonly first: string | null;
    readonly last: string | null;
    /** What `wal receive` had of the open segment is replayed at the end. */
    readonly partial: string | null;
    readonly missing: string | null;
    readonly salvaged: readonly string[];
    /** Newest commit that it holds; null where it could not be read, or there is none. */
    readonly newestCommitAt: string | null;
  };
  readonly archiving: 'off' | 'keep';
  readonly windows: readonly RecoveryWindow[];
  readonly sizes: RestoreSizes;
  readonly estimate: Estimate;
}

export function describeClusterPlan(plan: ClusterRestorePlan): ClusterPlanSummary {
  const { backup, chain, reach, route, wal } = plan;
  return {
    label: backup.entry.label,
    chain: chain.map(({ entry }) => entry.label),
    store: backup.entry.repository.store.location,
    walStore: wal.repository.store.location,
    systemIdentifier: backup.manifest.systemIdentifier,
    serverVersion: backup.manifest.server.version,
    target: describeTarget(plan.target),
    targetDirectory: plan.targetDirectory,
    timeline: reach.timeline,
    tablespaces: plan.tablespaces.map(({ name, from, to }) => ({ name, from, to })),
    wal: {
      from: formatLsn(reach.base.startLsn),
      to: formatLsn(reach.endLsn),
      segments: reach.segments.length,
      first: reach.segments[0] ?? null,
      last: reach.segments.at(-1) ?? null,
      partial: reach.partial?.name ?? null,
      missing: reach.missing ?? null,
      salvaged: plan.salvaged.map(({ name }) => name),
      newestCommitAt: route.newestCommit?.at.toISOString() ?? null,
    },
    archiving: plan.archiving,
    windows: plan.windows,
    sizes: plan.sizes,
    estimate: plan.estimate,
  };
}
