import type { ConnectionSettings } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { toolVersion } from '../core/tool-version.ts';
import { Exporter } from './exporter.ts';
import type { Facts } from './facts/facts.ts';
import { FactGatherer, type FactSources } from './facts/gatherer.ts';
import { factSamples } from './facts/samples.ts';
import { silenceOf } from './live.ts';
import { describeMetric } from './metrics/describe.ts';
import { renderMetrics } from './metrics/exposition.ts';
import { byUrgency, judgePromises } from './promises/judge.ts';
import type { MonitorView } from './view.ts';

export interface MonitorOptions extends Omit<FactSources, 'connection' | 'config'> {
  /** The monitored databases; the first is the one whose backups, archive and migrations are looked at. */
  readonly targets: readonly [ConnectionSettings, ...ConnectionSettings[]];
  readonly config: Pick<Config, 'backup' | 'monitor' | 'objectives'>;
}

/** Everything that is known of the monitored databases, put together. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #context: RunContext;
  readonly #exporter: Exporter;
  readonly #gatherer: FactGatherer;
  #rendering: Promise<string> | undefined;

  constructor(options: MonitorOptions, context: RunContext) {
    const { targets, config } = options;
    this.#options = options;
    this.#context = context;
    const { scrapeTimeout, statements, sampleEvery } = config.monitor;
    const limits = { scrapeTimeoutMs: scrapeTimeout, statements, sampleEveryMs: sampleEvery };
    this.#exporter = new Exporter({ targets, ...limits }, context);
    this.#gatherer = new FactGatherer({ ...options, connection: targets[0] }, context);
  }

  /** Looks at everything once, at the same time. */
  async look(): Promise<void> {
    await Promise.all([this.#exporter.scrape(), this.#gatherer.gather()]);
  }

  /** Looks at stores, archives and evidence; the server's statistics are read at each scrape. */
  async gather(): Promise<void> {
    await this.#gatherer.gather();
  }

  /** Reads the server's statistics unless somebody did a moment ago: the history goes on while nobody scrapes. */
  async sample(): Promise<void> {
    const last = this.#exporter.lastScrapeAt?.getTime() ?? 0;
    const ageMs = this.#context.clock.now().getTime() - last;
    if (ageMs >= this.#options.config.monitor.sampleEvery / 2) await this.#exporter.scrape();
  }

  /** Scrapes, and renders for Prometheus. Who asks meanwhile gets the same. */
  metrics(): Promise<string> {
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = undefined;
    });
    return this.#rendering;
  }

  /** What is known now, without asking anybody. */
  get view(): MonitorView {
    const { objectives } = this.#options.config;
    const at = this.#context.clock.now();
    const databases = this.#exporter.live();
    return {
      at,
      toolVersion: toolVersion(),
      promises: byUrgency(judgePromises(this.#gatherer.facts, databases, objectives, at)),
      databases,
      objectives,
    };
  }

  /** What stores, archives and evidence said when they were last looked at. */
  get facts(): Facts {
    return this.#gatherer.facts;
  }

  /** Why there is nothing to scrape yet, or any more; null where the configured database answered the last scrape. */
  get notReady(): string | null {
    if (this.#exporter.lastScrapeAt === null) return 'No scrape is complete yet.';
    const [configured] = this.#exporter.live();
    if (configured === undefined) return 'The database does not answer.';
    return configured.up ? null : `${configured.name} ${silenceOf(configured)}.`;
  }

  async close(): Promise<void> {
    await this.#exporter.close();
  }

  async #render(): Promise<string> {
    const { targets, config } = this.#options;
    const scraped = await this.#exporter.scrape();
    const known = factSamples(this.#gatherer.facts, config.objectives, targets[0].database);
    return renderMetrics([...scraped, ...known], describeMetric);
  }
}
