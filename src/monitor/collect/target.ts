import type { ConnectionSettings } from '../../config/connection.ts';
import type { Clock } from '../../core/clock.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';
import type { Ask, Collector, Reading, ServerFacts } from './collector.ts';
import { COLLECTORS, SIZES } from './collectors.ts';
import { MonitorConnection, monitorProfile } from './connection.ts';
import { nowAndThen } from './now-and-then.ts';
import { problemOf } from './problem.ts';
import { Statements } from './statements.ts';

/** What one collector brought in one scrape. */
export interface CollectorResult extends Reading {
  readonly collector: string;
  /** What the server and this process took for it, without waiting for those before it. */
  readonly seconds: number;
  readonly ok: boolean;
}

/** The end of a scrape: nothing waits longer. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Resolves when it is over. */
  readonly over: Promise<void>;
}

export interface TargetOptions {
  readonly scrapeTimeoutMs: number;
  /** How many are told by name; 0 for none. */
  readonly statements: number;
  /** How often sizes are measured at most, in milliseconds; 0 for each time. */
  readonly sizesEveryMs: number;
}

/** Errors of `connect` that say that a server is there. */
const REFUSALS = new Set(['AUTHENTICATION_FAILED', 'DATABASE_MISSING']);

/** One monitored database and the one connection to it, which is kept open and opened again when it was lost. */
export class Target {
  readonly settings: ConnectionSettings;
  /** undefined where statements are not told. */
  readonly statements: Statements | undefined;
  readonly #scrapeTimeoutMs: number;
  readonly #clock: Clock;
  readonly #collectors: readonly Collector[];
  #connection: MonitorConnection | undefined;
  /** Whether the connection was opened for the scrape that runs. */
  #fresh = false;
  #down: string | undefined = 'not asked yet';
  #refuses = false;

  constructor(
    settings: ConnectionSettings,
    { scrapeTimeoutMs, statements, sizesEveryMs }: TargetOptions,
    clock: Clock,
  ) {
    this.settings = settings;
    this.#scrapeTimeoutMs = scrapeTimeoutMs;
    this.#clock = clock;
    this.statements = statements > 0 ? new Statements(statements, clock) : undefined;
    const sizes = SIZES.map((collector) => nowAndThen(collector, sizesEveryMs, clock));
    this.#collectors = [...COLLECTORS, ...(this.statements ? [this.statements] : []), ...sizes];
  }

  /** Without password: `structdb on localhost:5432`. */
  get name(): string {
    return `${this.settings.database} on ${this.settings.host}:${this.settings.port}`;
  }

  /** Why there is no connection; undefined while there is one. */
  get down(): string | undefined {
    return this.#down;
  }

  /** Whether the server answered the last attempt to connect, and said no. */
  get refuses(): boolean {
    return this.#refuses;
  }

  get server(): ServerFacts | undefined {
    return this.#connection?.server;
  }

  /** Opens the connection where it is not open. Never throws: `down` says why it failed. */
  async open(deadline: Deadline): Promise<void> {
    this.#fresh = !this.#connection?.isOpen;
    try {
      if (this.#fresh) {
        this.#connection = undefined;
        this.#connection = await MonitorConnection.open(this.settings, this.#scrapeTimeoutMs, deadline.signal);
      }
      this.#down = undefined;
      this.#refuses = false;
    } catch (error) {
      this.#refuses = REFUSALS.has(codeOf(error) ?? '');
      this.#down = deadline.signal.aborted ? 'no answer within the time of a scrape' : whyDown(error);
    }
  }

  /**
   * Asks all collectors at once, those of the server only where `wholeServer`. What has no answer at the deadline failed, and
   * the connection is given up. Never throws.
   */
  async read(wholeServer: boolean, deadline: Deadline): Promise<readonly CollectorResult[]> {
    const connection = this.#connection;
    if (!connection) return [];
    const { server } = connection;
    const collectors = this.#collectors.filter(
      (collector) => (wholeServer || collector.scope === 'database') && (collector.runsOn?.(server) ?? true),
    );
    const stopwatch = new Stopwatch(this.#clock);
    const results = new Map<Collector, CollectorResult>();
    let lost = false;
    const runs = collectors.map(async (collector) => {
      const { ask, seconds } = stopwatch.watch(connection.ask);
      try {
        const { samples, problems = [] } = await collector.collect(ask, server);
        const ok = problems.length === 0;
        results.set(collector, { collector: collector.name, samples, problems, seconds: seconds(), ok });
      } catch (error) {
        lost ||= isConnectionLoss(error);
        const problems = [problemOf(error, monitorProfile(this.#scrapeTimeoutMs))];
        results.set(collector, { collector: collector.name, samples: [], problems, seconds: seconds(), ok: false });
        // A plan that no longer fits, or that the server does not know, is prepared anew on a new connection.
        if (['0A000', '26000'].includes(codeOf(error) ?? '')) connection.abandon();
      }
    });
    await Promise.race([Promise.all(runs), deadline.over]);
    const late = { samples: [], problems: ['no answer within the time of a scrape'], ok: false };
    const all = collectors.map(
      (collector) => results.get(collector) ?? { ...late, collector: collector.name, seconds: stopwatch.elapsed() },
    );
    if (results.size < collectors.length || lost) connection.abandon();
    if (!connection.isOpen) this.#connection = undefined;
    if (lost && !this.#fresh && !deadline.signal.aborted) {
      // That a connection was lost since the last scrape, as over a restart of the server, is often found only by asking.
      await this.open(deadline);
      return this.read(wholeServer, deadline);
    }
    const answered = all.some(({ ok, samples }) => ok || samples.length > 0);
    this.#down = answered ? undefined : (all[0]?.problems?.[0] ?? 'the connection was lost');
    return all;
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }
}

/** What each collector takes, though all ask at once: the server answers one after the other. */
class Stopwatch {
  readonly #clock: Clock;
  readonly #started: number;
  #answered: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonicMs();
    this.#answered = this.#started;
  }

  elapsed(): number {
    return (this.#clock.monotonicMs() - this.#started) / 1000;
  }

  watch(ask: Ask): { readonly ask: Ask; readonly seconds: () => number } {
    let ms = 0;
    let last = 0;
    const watched: Ask = async (...question) => {
      const asked = this.#clock.monotonicMs();
      try {
        return await ask(...question);
      } finally {
        last = this.#clock.monotonicMs();
        ms += last - Math.max(asked, this.#answered);
        this.#answered = last;
      }
    };
    return { ask: watched, seconds: () => (ms + (last === 0 ? 0 : this.#clock.monotonicMs() - last)) / 1000 };
  }
}

function whyDown(error: unknown): string {
  if (!(error instanceof StructdbError)) return redact(messageOf(error));
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
}
