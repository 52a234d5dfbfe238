import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { processSamples } from './collect/own-process.ts';
import { ServerGroup } from './collect/server-group.ts';
import { Target } from './collect/target.ts';
import type { LiveState } from './live.ts';
import type { Sample } from './metrics/metric.ts';

export interface ExporterOptions {
  /** The monitored databases, the configured one first; one that is named twice is asked once. At least one. */
  readonly targets: readonly ConnectionSettings[];
  /** A scrape ends by then, with what it has. Milliseconds. */
  readonly scrapeTimeoutMs: number;
  /** How many statements of each database are told by name, up to twice as many while they change; 0 for none. */
  readonly statements: number;
  /** How far apart the samples of the history in memory are at least, and how far back it reaches. Milliseconds. */
  readonly sampleEveryMs?: number;
  readonly historyMs?: number;
  /** How often sizes of tables and databases are measured at most, in milliseconds; a minute unless told otherwise. */
  readonly sizesEveryMs?: number;
}

const HISTORY_MS = 4 * 3_600_000;
const SIZES_EVERY_MS = 60_000;

/**
 * Reads the statistics of PostgreSQL as metrics. One connection to each database, kept open; one scrape at a time: who asks
 * while one runs gets its result. Nothing of a server makes it throw: what could not be read is told in the samples
 * (`pg_up`, `pg_scrape_collector_success`) and, with the reason, in `live()`.
 */
export class Exporter {
  readonly #options: ExporterOptions;
  readonly #clock: RunContext['clock'];
  readonly #groups: readonly ServerGroup[];
  #running: Promise<readonly Sample[]> | undefined;
  /** Ends the scrape that runs, with what it has. */
  #endScrape: (() => void) | undefined;
  #closed = false;
  #scrapes = 0;
  #lastScrapeAt: Date | null = null;

  constructor(options: ExporterOptions, { clock }: Pick<RunContext, 'clock'>) {
    this.#options = options;
    this.#clock = clock;
    const { sampleEveryMs = 15_000, historyMs = HISTORY_MS, sizesEveryMs = SIZES_EVERY_MS } = options;
    const byServer = new Map<string, Map<string, Target>>();
    for (const settings of options.targets) {
      const server = `${settings.host}:${settings.port}`;
      const targets = byServer.get(server) ?? new Map<string, Target>();
      byServer.set(server, targets);
      if (!targets.has(settings.database))
        targets.set(settings.database, new Target(settings, { ...options, sizesEveryMs }, clock));
    }
    this.#groups = [...byServer].map(
      ([server, targets]) =>
        new ServerGroup([...targets.values()], byServer.size > 1 ? server : null, { clock, sampleEveryMs, historyMs }),
    );
  }

  /** When the last scrape was done; null before the first. */
  get lastScrapeAt(): Date | null {
    return this.#lastScrapeAt;
  }

  /** All samples, within the scrape's time. Samples of several servers have the label `server`; those of one have none. */
  scrape(): Promise<readonly Sample[]> {
    this.#running ??= this.#scrape().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** One for each monitored database, in the order of the targets; as of the last scrape. */
  live(): readonly LiveState[] {
    const states = this.#groups.flatMap((group) => group.live());
    const places = this.#options.targets.map(({ host, port, database }) => `${database} on ${host}:${port}`);
    return states.toSorted((a, b) => places.indexOf(a.name) - places.indexOf(b.name));
  }

  /** Ends a scrape that runs, with what it has, and closes the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endScrape?.();
    await this.#running?.catch(() => {});
    await Promise.all(this.#groups.map((group) => group.close()));
  }

  async #scrape(): Promise<readonly Sample[]> {
    if (this.#closed) return [];
    const started = this.#clock.monotonicMs();
    const abort = new AbortController();
    const over = Promise.withResolvers<void>();
    const end = () => {
      abort.abort();
      over.resolve();
    };
    const timer = setTimeout(end, this.#options.scrapeTimeoutMs);
    this.#endScrape = end;
    try {
      const deadline = { signal: abort.signal, over: over.promise };
      const readings = await Promise.all(this.#groups.map((group) => group.scrape(deadline)));
      this.#scrapes += 1;
      this.#lastScrapeAt = this.#clock.now();
      return [
        ...readings.flatMap(({ samples }) => samples),
        exporterSample('scrapes_total', this.#scrapes),
        exporterSample('last_scrape_error', readings.every(({ ok }) => ok) ? 0 : 1),
        exporterSample('last_scrape_duration_seconds', (this.#clock.monotonicMs() - started) / 1000),
        ...(await processSamples()),
      ];
    } finally {
      clearTimeout(timer);
      this.#endScrape = undefined;
      over.resolve();
    }
  }
}

function exporterSample(name: string, value: number): Sample {
  return { name: `pg_exporter_${name}`, labels: {}, value };
}
