import type { Clock } from '../../core/clock.ts';
import type { LiveState } from '../live.ts';
import { type LiveCounters, LiveHistory, liveCounters, ratesBetween } from '../live-history.ts';
import type { Sample } from '../metrics/metric.ts';
import { COLLECTORS, SIZES } from './collectors.ts';
import { textSamples } from './statements.ts';
import type { CollectorResult, Deadline, Target } from './target.ts';

export interface GroupReading {
  readonly samples: readonly Sample[];
  /** Whether all was read. */
  readonly ok: boolean;
}

interface Member {
  readonly target: Target;
  readonly history: LiveHistory;
  last: LiveCounters | undefined;
  problems: readonly string[];
  startedAt: Date | null;
  inRecovery: boolean | null;
}

const OF_SERVER = new Set([...COLLECTORS, ...SIZES].filter(({ scope }) => scope === 'server').map(({ name }) => name));

/** The monitored databases of one server. What is the whole server's is asked in the first of them that answers. */
export class ServerGroup {
  readonly #members: readonly Member[];
  readonly #label: string | null;
  readonly #clock: Clock;

  /** @param label of the server, where there are several */
  constructor(
    targets: readonly Target[],
    label: string | null,
    history: { readonly clock: Clock; readonly sampleEveryMs: number; readonly historyMs: number },
  ) {
    this.#members = targets.map((target) => ({
      target,
      history: new LiveHistory(history.sampleEveryMs, history.historyMs),
      last: undefined,
      problems: [],
      startedAt: null,
      inRecovery: null,
    }));
    this.#label = label;
    this.#clock = history.clock;
  }

  async scrape(deadline: Deadline): Promise<GroupReading> {
    const at = { at: this.#clock.now(), ms: this.#clock.monotonicMs() };
    const readings = await this.#read(deadline);
    const results = readings.flat();
    const samples = results.flatMap((result) => result.samples as Sample[]);
    const ofServer = results.filter(({ collector }) => OF_SERVER.has(collector)).flatMap((result) => result.samples);
    this.#members.forEach((member, index) => {
      samples.push(...this.#remember(member, at, ofServer, readings[index]!));
    });
    const statements = this.#members.flatMap(({ target: { down, statements: own } }) => (own && !down ? [own] : []));
    samples.push(...textSamples(statements), ...this.#states(results));
    const ok = this.#members.every(({ target }) => target.down === undefined) && results.every((result) => result.ok);
    return { samples: this.#label === null ? samples : withServer(samples, this.#label), ok };
  }

  live(): readonly LiveState[] {
    return this.#members.map(({ target, history, problems, startedAt, inRecovery }) => ({
      name: target.name,
      up: target.down === undefined,
      refuses: target.refuses,
      problems: target.down === undefined ? problems : [target.down],
      serverVersion: target.server?.version ?? null,
      startedAt,
      inRecovery,
      history: [...history.samples],
      slowQueries: target.statements?.slowest ?? [],
    }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ target }) => target.close()));
  }

  async #read(deadline: Deadline): Promise<readonly (readonly CollectorResult[])[]> {
    await Promise.all(this.#members.map(({ target }) => target.open(deadline)));
    const first = this.#members.find(({ target }) => target.down === undefined);
    return Promise.all(this.#members.map((member) => member.target.read(member === first, deadline)));
  }

  /** Keeps what `live` shows, and gives what is worked out from the scrape before. */
  #remember(
    member: Member,
    at: { readonly at: Date; readonly ms: number },
    ofServer: readonly Sample[],
    results: readonly CollectorResult[],
  ): Sample[] {
    const { database } = member.target.settings;
    const labels = { datname: database };
    member.problems = results.flatMap(({ collector, problems = [] }) =>
      problems.map((problem) => `${collector}: ${problem}`),
    );
    if (!member.target.statements) member.problems = [...member.problems, 'stat_statements: monitor.statements is 0'];
    const up = { name: 'structdb_database_up', labels, value: member.target.down === undefined ? 1 : 0 };
    const counters =
      member.target.down === undefined
        ? liveCounters(
            at,
            database,
            ofServer,
            results.flatMap(({ samples }) => samples),
          )
        : undefined;
    if (!counters) return [up];
    const started = ofServer.find(({ name }) => name === 'pg_postmaster_start_time_seconds');
    const replica = ofServer.find(({ name }) => name === 'pg_replication_is_replica');
    member.startedAt = started ? new Date(started.value * 1000) : null;
    member.inRecovery = replica ? replica.value === 1 : null;
    const rates = ratesBetween(member.last, counters);
    member.last = counters;
    member.history.add(counters);
    const { commitsPerSecond: commits, rollbacksPerSecond: rollbacks } = rates;
    const known: readonly (readonly [string, number | null])[] = [
      ['structdb_index_hit_ratio', rates.indexHitRatio],
      ['structdb_cache_hit_ratio', rates.cacheHitRatio],
      ['structdb_transactions_per_second', commits === null || rollbacks === null ? null : commits + rollbacks],
    ];
    return [up, ...known.flatMap(([name, value]) => (value === null ? [] : [{ name, labels, value }]))];
  }

  /** Whether the server answered, and how each collector did: one that asks in several databases has to succeed in all. */
  #states(results: readonly CollectorResult[]): Sample[] {
    const up = this.#members.some(({ target }) => target.down === undefined);
    const byCollector = new Map<string, { seconds: number; ok: boolean }>();
    for (const { collector, seconds, ok } of results) {
      const sum = byCollector.get(collector) ?? { seconds: 0, ok: true };
      byCollector.set(collector, { seconds: sum.seconds + seconds, ok: sum.ok && ok });
    }
    return [
      { name: 'pg_up', labels: {}, value: up ? 1 : 0 },
      ...[...byCollector].flatMap(([collector, { seconds, ok }]) => [
        { name: 'pg_scrape_collector_duration_seconds', labels: { collector }, value: seconds },
        { name: 'pg_scrape_collector_success', labels: { collector }, value: ok ? 1 : 0 },
      ]),
    ];
  }
}

/** The samples of a row share their labels, and go on doing so. */
function withServer(samples: readonly Sample[], server: string): Sample[] {
  const labelled = new Map<Sample['labels'], Sample['labels']>();
  return samples.map(({ name, labels, value }) => {
    let own = labelled.get(labels);
    if (!own) {
      own = { ...labels, server };
      labelled.set(labels, own);
    }
    return { name, labels: own, value };
  });
}
