import type { ConnectionSettings } from '../../config/connection.ts';
import type { Suite } from '../suite/query.ts';
import { addLag, type Lag } from './open-loop.ts';
import type { Records } from './samples.ts';
import { type Busy, machineMs, Station, type StationOutcome } from './station.ts';
import { StationThread } from './station-thread.ts';
import type { Share, Stretch } from './stretch.ts';

export interface CrewOptions {
  readonly connection: ConnectionSettings;
  readonly suite: Suite;
  readonly parameters: unknown;
  readonly clients: number;
  /** Whether statements that come again are prepared. */
  readonly prepare: boolean;
  /** Event loops that share the clients, at most as many. */
  readonly workers: number;
}

/** What all measured, apart; to be merged raw, never averaged. */
export interface CrewOutcome {
  readonly parts: readonly Records[];
  readonly lag: Lag | null;
  /** Of the busiest; the time at work is that of all. */
  readonly busy: Busy;
}

/** What a station can do, be it in this thread or in one of its own. */
interface Member {
  run(stretch: Stretch, share: Share, signal: AbortSignal): Promise<StationOutcome>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** The event loops that ask the database together: this thread's alone, or several threads, each with its share of clients. */
export class Crew {
  readonly workers: number;
  readonly clients: number;
  readonly prepare: boolean;
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[], { clients, prepare }: Pick<CrewOptions, 'clients' | 'prepare'>) {
    this.workers = members.length;
    this.clients = clients;
    this.prepare = prepare;
    this.#members = members;
  }

  static async open({ connection, suite, parameters, clients, prepare, workers }: CrewOptions): Promise<Crew> {
    const zeroMs = machineMs();
    if (workers === 1) {
      const { queries } = suite;
      return new Crew([await Station.open({ connection, queries, parameters, clients, prepare, zeroMs })], {
        clients,
        prepare,
      });
    }
    const opened = await Promise.allSettled(
      Array.from({ length: workers }, (_, index) =>
        StationThread.open({
          connection,
          sources: suite.sources,
          parameters,
          clients: shareOf(clients, { index, of: workers }),
          prepare,
          zeroMs,
        }),
      ),
    );
    const members = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = opened.find((result) => result.status === 'rejected');
    if (failure) {
      await Promise.all(members.map((member) => member.close()));
      throw failure.reason;
    }
    return new Crew(members, { clients, prepare });
  }

  /** All run their share of the stretch. Ends early when the signal says so, with what there is. */
  async run(stretch: Stretch, signal: AbortSignal): Promise<CrewOutcome> {
    const of = this.#members.length;
    // When one fails the others need not go on, and all must have ended.
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const results = await Promise.allSettled(
      this.#members.map((member, index) =>
        member.run(stretch, { index, of }, either).catch((error: unknown) => {
          failed.abort();
          throw error;
        }),
      ),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const outcomes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const busiest = outcomes.map(({ busy }) => busy).reduce((a, b) => (a.loop >= b.loop ? a : b));
    return {
      parts: outcomes.map(({ records }) => records),
      lag: outcomes.map(({ lag }) => lag).reduce((a, b) => (a && b ? addLag(a, b) : a)),
      busy: { ...busiest, activeMs: outcomes.reduce((sum, { busy }) => sum + busy.activeMs, 0) },
    };
  }

  async drain(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.drain()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.close()));
  }
}

/** As equal as it can be: of 5 clients two workers have 3 and 2. */
export function shareOf(clients: number, { index, of }: Share): number {
  return Math.floor(clients / of) + (index < clients % of ? 1 : 0);
}
