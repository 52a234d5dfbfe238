import { describeConnection } from '../config/connection.ts';
import { toolVersion } from '../core/tool-version.ts';
import { type ClusterManifest, MANIFEST_FORMAT } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { Copied } from './base.ts';
import type { ClusterFacts } from './cluster-source.ts';
import type { ConfigFiles } from './config-files.ts';
import type { RunOptions } from './run.ts';
import type { Source } from './source.ts';

/** What a run knows when its copy is complete. */
export interface Taken {
  /** By the server's clock. */
  readonly startedAt: string;
  readonly stoppedAt: string;
  readonly facts: ClusterFacts;
  /** By oid. */
  readonly spaceNames: ReadonlyMap<string, string>;
  readonly copied: Copied;
  readonly config: ConfigFiles;
  /** Names of the WAL segments from start to stop. */
  readonly segments: readonly string[];
  readonly warnings: readonly string[];
}

export interface Described extends RunOptions, Taken {
  readonly repository: Repository;
  readonly source: Source;
  readonly label: string;
  readonly durationMs: number;
  /** Of an increment. */
  readonly parent: string | null;
}

/** The manifest of a backup of a cluster. */
export function clusterManifest(of: Described): ClusterManifest {
  const { parent, source, repository, copied, config, segments, spaceNames } = of;
  const { end } = copied;
  return {
    format: MANIFEST_FORMAT,
    label: of.label,
    ...(parent === null ? { kind: 'base', parent } : { kind: 'incremental', parent }),
    tiers: [...(of.tiers ?? [])],
    purpose: of.purpose,
    keepLast: of.keepLast ?? null,
    systemIdentifier: repository.systemIdentifier,
    startedAt: of.startedAt,
    stoppedAt: of.stoppedAt,
    durationMs: of.durationMs,
    startLsn: end.startLsn,
    stopLsn: end.stopLsn,
    timeline: end.timeline,
    server: {
      version: source.version,
      major: source.major,
      dataChecksums: source.dataChecksums,
      tablespaces: [...source.tablespaces],
    },
    tools: { structdb: toolVersion(), compression: copied.compression },
    walSegmentBytes: source.identity.walSegmentBytes,
    walIncluded: true,
    walSegments: { first: segments[0]!, last: segments.at(-1)! },
    ...of.facts,
    plainBytes: end.tablespaces.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0),
    tablespaces: end.tablespaces.flatMap(({ oid, location }) =>
      oid === null ? [] : [{ oid, name: spaceNames.get(oid) ?? oid, location: location ?? '' }],
    ),
    configFiles: config.configFiles,
    parts: [...copied.parts, ...config.parts],
    warnings: [...of.warnings],
    actor: of.actor,
    source: describeConnection(of.connection),
    store: repository.store.location,
  };
}
