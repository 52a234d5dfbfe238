import type { Objectives } from '../../config/schema.ts';
import { toolVersion } from '../../core/tool-version.ts';
import type { PastDrill } from '../../drill/history/index.ts';
import type { MigrationState, StatusResult } from '../../migrate/index.ts';
import type { WalStatusResult } from '../../wal/index.ts';
import type { Sample } from '../metrics/metric.ts';
import type { OwnMetricName } from '../metrics/own.ts';
import type { AuditTrigger, BenchFacts, DiskFacts, Facts, StoreFacts, TierFacts, WindowFacts } from './facts.ts';

/**
 * What is known beyond the server's statistics, as samples. What is not known has no series: an alert on its absence, or on
 * `structdb_facts_failed`, tells it from a zero. `database`: the value of `datname`.
 */
export function factSamples(facts: Facts, objectives: Objectives, database: string): Sample[] {
  return [
    sample('structdb_build_info', 1, { version: toolVersion() }),
    ...ofFact(facts.migrations, (found) => migrationSamples(found, database)),
    ...ofFact(facts.auditTriggers, (found) => triggerSamples(found, database)),
    ...ofFact(facts.tiers, (tiers) => tiers.filter(({ error }) => !error).flatMap(tierSamples)),
    ...ofFact(facts.stores, (stores) => stores.flatMap(storeSamples)),
    ...ofFact(facts.wal, walSamples),
    ...ofFact(facts.window, windowSamples),
    ...ofFact(facts.drills, (drills) => drills.flatMap(drillSamples)),
    ...ofFact(facts.bench, benchSamples),
    ...ofFact(facts.disks, (disks) => disks.flatMap(diskSamples)),
    ...objectiveSamples(objectives),
    ...partSamples(facts),
  ];
}

function sample(name: OwnMetricName, value: number, labels: Readonly<Record<string, string>> = {}): Sample {
  return { name, labels, value };
}

function ofFact<T>(
  fact: { readonly ok: true; readonly value: T } | { readonly ok: false },
  samplesOf: (value: T) => Sample[],
): Sample[] {
  return fact.ok ? samplesOf(fact.value) : [];
}

const STATES: readonly MigrationState[] = ['applied', 'pending', 'edited', 'missing file', 'out of order'];

function migrationSamples({ migrations, current }: StatusResult, datname: string): Sample[] {
  const counts = STATES.map((state) => {
    const count = migrations.filter((migration) => migration.state === state).length;
    return sample('structdb_migrations', count, { datname, state });
  });
  if (current === null) return counts;
  return [...counts, sample('structdb_migration_current_info', 1, { datname, migration: current })];
}

function triggerSamples(triggers: readonly AuditTrigger[], datname: string): Sample[] {
  return triggers.map(({ name, ok }) =>
    sample('structdb_audit_trigger_enabled', Number(ok), { datname, trigger: name }),
  );
}

function tierSamples({ tier, kind, store, due, intervalMs, newest }: TierFacts): Sample[] {
  const samples = [
    sample('structdb_backup_due', Number(due), { tier }),
    sample('structdb_backup_interval_seconds', intervalMs / 1000, { tier }),
  ];
  if (newest === null) return samples;
  const labels = { tier, kind, store };
  const { at, durationMs, sizeBytes, verified } = newest;
  samples.push(
    sample('structdb_backup_last_success_timestamp_seconds', seconds(at), labels),
    sample('structdb_backup_last_verified', Number(verified?.ok === true), labels),
  );
  if (durationMs !== null) samples.push(sample('structdb_backup_last_duration_seconds', durationMs / 1000, labels));
  if (sizeBytes !== null) samples.push(sample('structdb_backup_last_size_bytes', sizeBytes, labels));
  if (verified) {
    samples.push(sample('structdb_backup_last_verify_timestamp_seconds', seconds(verified.at), labels));
  }
  return samples;
}

function storeSamples({ store, backups, error }: StoreFacts): Sample[] {
  const up = sample('structdb_store_up', Number(error === null), { store });
  if (error !== null) return [up];
  return [up, ...Object.entries(backups).map(([kind, count]) => sample('structdb_backups', count, { kind, store }))];
}

function walSamples(found: WalStatusResult | null): Sample[] {
  if (found === null) return [];
  const { clusters, server } = found;
  const newestAt = clusters.flatMap(({ timelines }) => timelines.map((timeline) => timeline.newestAt.getTime()));
  const samples = [
    sample('structdb_wal_missing_segments', sum(clusters.map(({ missing }) => missing.length))),
    sample('structdb_wal_archive_size_bytes', sum(clusters.map(({ sizeBytes }) => sizeBytes))),
  ];
  if (newestAt.length > 0) {
    samples.push(sample('structdb_wal_archived_timestamp_seconds', Math.max(...newestAt) / 1000));
  }
  if (server !== null && server.waiting !== null) {
    samples.push(sample('structdb_wal_backlog_segments', server.waiting));
  }
  if (server !== null && server.behindSegments !== null) {
    samples.push(sample('structdb_wal_archive_lag_bytes', server.behindSegments * server.segmentSizeBytes));
  }
  return samples;
}

function windowSamples(window: WindowFacts | null): Sample[] {
  if (window === null) return [];
  return [
    sample('structdb_recovery_window_start_timestamp_seconds', seconds(window.from)),
    sample('structdb_recovery_window_end_timestamp_seconds', seconds(window.to)),
    sample('structdb_recovery_window_objective_seconds', window.objectiveMs / 1000),
  ];
}

function drillSamples({ last, lastGood }: { readonly last: PastDrill; readonly lastGood: PastDrill | null }): Sample[] {
  const { kind, at, ok, rtoMs, rpoMs } = last;
  const samples = [
    sample('structdb_drill_last_timestamp_seconds', Date.parse(at) / 1000, { kind }),
    sample('structdb_drill_last_ok', Number(ok), { kind }),
  ];
  if (lastGood) {
    samples.push(sample('structdb_drill_last_success_timestamp_seconds', Date.parse(lastGood.at) / 1000, { kind }));
  }
  if (rtoMs !== null) samples.push(sample('structdb_drill_last_rto_seconds', rtoMs / 1000, { kind }));
  if (rpoMs !== null) samples.push(sample('structdb_drill_last_rpo_seconds', rpoMs / 1000, { kind }));
  return samples;
}

function benchSamples(found: BenchFacts | null): Sample[] {
  if (found === null) return [];
  const targets = new Map(found.queries.map((query) => [query.class, query.targetMs]));
  return [
    sample('structdb_bench_last_timestamp_seconds', seconds(found.at)),
    ...(['met', 'missed', 'inconclusive'] as const).map((verdict) =>
      sample('structdb_bench_last_verdict', Number(found.verdict === verdict), { verdict }),
    ),
    ...found.queries.map((query) =>
      sample('structdb_bench_p95_seconds', query.p95Ms / 1000, { query: query.name, class: query.class }),
    ),
    ...[...targets].map(([kind, targetMs]) =>
      sample('structdb_bench_target_seconds', targetMs / 1000, { class: kind }),
    ),
  ];
}

function diskSamples({ place, freeBytes, sizeBytes }: DiskFacts): Sample[] {
  return [
    sample('structdb_disk_free_bytes', freeBytes, { place }),
    sample('structdb_disk_size_bytes', sizeBytes, { place }),
  ];
}

function objectiveSamples(objectives: Objectives): Sample[] {
  return [
    sample('structdb_objective_rto_seconds', objectives.rto / 1000),
    sample('structdb_objective_rpo_seconds', objectives.rpo / 1000),
    sample('structdb_objective_drill_interval_seconds', objectives.drillInterval / 1000),
    sample('structdb_objective_ratio', objectives.indexHitRate, { name: 'index_hit' }),
    sample('structdb_objective_ratio', objectives.cacheHitRate, { name: 'cache_hit' }),
    sample('structdb_objective_ratio', objectives.connectionUtilisation, { name: 'connection_utilisation' }),
  ];
}

/** `facts.auditTriggers` is the part `audit_triggers`. */
function partSamples(facts: Facts): Sample[] {
  return Object.entries(facts).flatMap(([name, fact]) => {
    const part = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const failed = sample('structdb_facts_failed', Number(isFailed(fact)), { part });
    return fact.ok ? [sample('structdb_facts_timestamp_seconds', seconds(fact.at), { part }), failed] : [failed];
  });
}

/** Also where one of a list could not be read. */
function isFailed(fact: Facts[keyof Facts]): boolean {
  if (!fact.ok || fact.stale !== null) return true;
  const list: readonly { readonly error?: string | null }[] = Array.isArray(fact.value) ? fact.value : [];
  return list.some(({ error }) => typeof error === 'string');
}

function seconds(instant: Date): number {
  return instant.getTime() / 1000;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
