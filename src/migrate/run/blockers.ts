import type pg from 'pg';
import { ACTIVITY_COLUMNS, type SessionActivity } from '../activity.ts';
import type { Observer } from './observer.ts';

export interface BlockerWatchOptions {
  readonly observer: Observer;
  /** The server process of the session that may wait. */
  readonly pid: number;
  /** Milliseconds until the first look, and between two. Work that is over by then costs nothing. */
  readonly everyMs: number;
  /** Called once, when the session has waited for this long. */
  readonly tellAfterMs: number;
  readonly tell: (blockers: readonly SessionActivity[]) => void;
}

/** Runs `work` and sees meanwhile who keeps its session waiting. `blockers` are those of the last wait that was seen. */
export async function watchBlockers<T>(
  options: BlockerWatchOptions,
  work: () => Promise<T>,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly blockers: readonly SessionActivity[] }> {
  const watch = new BlockerWatch(options);
  const [outcome] = await Promise.allSettled([work()]);
  watch.stop();
  return { outcome, blockers: watch.blockers };
}

/**
 * Looks again and again, until it is stopped. To look is a courtesy: when it cannot be done (no free connection), the work
 * goes on unwatched, and it never waits for a look. A pooler whose sessions are all taken, by this run for one, lets a
 * connection or its first question wait for minutes.
 */
class BlockerWatch {
  blockers: readonly SessionActivity[] = [];
  readonly #options: BlockerWatchOptions;
  // A plain timer: a signal for each migration would cost more than all else that is done around a small one.
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #waits = 0;

  constructor(options: BlockerWatchOptions) {
    this.#options = options;
    this.#lookLater();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    const look = () =>
      void this.#look()
        .then(() => this.#lookLater())
        .catch(() => {});
    if (!this.#over) this.#timer = setTimeout(look, this.#options.everyMs);
  }

  async #look(): Promise<void> {
    const { observer, pid, everyMs, tellAfterMs, tell } = this.#options;
    const seen = await readBlockers(await observer.client(), pid);
    if (this.#over) return;
    this.#waits = seen.length > 0 ? this.#waits + 1 : 0;
    if (this.#waits > 0) this.blockers = seen;
    if (this.#waits === Math.max(1, Math.ceil(tellAfterMs / everyMs))) tell(seen);
  }
}

async function readBlockers(client: pg.Client, pid: number): Promise<SessionActivity[]> {
  const { rows } = await client.query<SessionActivity>(
    `select b.pid, ${ACTIVITY_COLUMNS}
     from (select distinct unnest(pg_catalog.pg_blocking_pids($1)) as pid) b
     left join pg_catalog.pg_stat_activity a on a.pid = b.pid
     order by a.xact_start nulls last, b.pid`,
    [pid],
  );
  return rows;
}
