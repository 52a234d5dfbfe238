import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { ACTIVITY_COLUMNS, type SessionActivity } from './activity.ts';

export interface BlockerWatchOptions {
  /** Opens a connection of its own: the session that waits cannot ask. */
  readonly connect: () => Promise<pg.Client>;
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
  { connect, pid, everyMs, tellAfterMs, tell }: BlockerWatchOptions,
  work: () => Promise<T>,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly blockers: readonly SessionActivity[] }> {
  const over = new AbortController();
  let blockers: readonly SessionActivity[] = [];
  let waits = 0;
  const tellAt = Math.max(1, Math.ceil(tellAfterMs / everyMs));
  const watching = watch(connect, everyMs, over.signal, async (client) => {
    const seen = await readBlockers(client, pid);
    waits = seen.length > 0 ? waits + 1 : 0;
    if (waits > 0) blockers = seen;
    if (waits === tellAt) tell(seen);
  });
  const [outcome] = await Promise.allSettled([work()]);
  over.abort();
  await watching;
  return { outcome, blockers };
}

/**
 * To look is a courtesy: when it cannot be done (no free connection), the work goes on unwatched. A pooler whose sessions
 * are all taken, by this run for one, lets a connection or its first question wait for minutes: that ends with the work.
 */
async function watch(
  connect: BlockerWatchOptions['connect'],
  everyMs: number,
  signal: AbortSignal,
  look: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const over = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  over.catch(() => {});
  let connecting: Promise<pg.Client> | undefined;
  try {
    for (;;) {
      await sleep(everyMs, undefined, { signal });
      connecting ??= connect();
      await Promise.race([connecting.then(look), over]);
    }
  } catch {
    // Over, or not to be seen.
  } finally {
    // Not awaited: it may still be waiting for the pooler.
    void connecting?.then((client) => client.end()).catch(() => {});
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
