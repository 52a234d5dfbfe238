import type pg from 'pg';

/** What else the server did while queries were timed. */
export interface OtherLoad {
  /** How often was looked. */
  readonly looks: number;
  /** Looks that found a session of somebody else, or a worker of the server, at work. */
  readonly busyLooks: number;
  /** Most of them at once. */
  readonly most: number;
  /** Who: `role "app" in database "shop"`, `autovacuum worker`; each once, at most five. */
  readonly who: readonly string[];
  /**
   * Seconds that sessions of other databases spent in statements, over the seconds that passed: 1 is one session always at
   * work. Told to every role, unlike the sessions, but only for statements that have ended. Null where the server does not say.
   */
  readonly elsewhere: number | null;
}

const LOOK_EVERY_MS = 200;

/**
 * Looks, through a connection of its own, who else works on the server, until `stop` is called. What waits for a lock, a
 * client or a timer is no load. A role without pg_read_all_stats is not told what sessions of other roles do.
 */
export function watchOtherLoad(observer: pg.Client, database: string): { stop(): Promise<OtherLoad> } {
  let running = true;
  const stopping = Promise.withResolvers<void>();
  const watch = async (): Promise<OtherLoad> => {
    const before = await readElsewhere(observer, database);
    const began = performance.now();
    const who = new Set<string>();
    let looks = 0;
    let busyLooks = 0;
    let most = 0;
    do {
      const found = await othersAtWork(observer, database);
      looks += 1;
      if (found.length > 0) busyLooks += 1;
      most = Math.max(most, found.length);
      for (const name of found) if (who.size < 5) who.add(name);
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LOOK_EVERY_MS);
      });
      await Promise.race([pause, stopping.promise]);
      clearTimeout(timer);
    } while (running);
    const after = await readElsewhere(observer, database);
    const elsewhere =
      before === null || after === null ? null : Math.max(0, after - before) / (performance.now() - began);
    return { looks, busyLooks, most, who: [...who], elsewhere };
  };
  const watching = watch();
  // Whoever stops it hears of an error; until then it is no unhandled one.
  watching.catch(() => {});
  return {
    stop: () => {
      running = false;
      stopping.resolve();
      return watching;
    },
  };
}

async function othersAtWork(observer: pg.Client, database: string): Promise<string[]> {
  const { rows } = await observer.query<{ who: string }>(
    `select case when backend_type in ('client backend', 'parallel worker')
         then format('role "%s" in database "%s"', usename, datname)
         else backend_type || coalesce(format(' in database "%s"', datname), '') end as who
     from pg_catalog.pg_stat_activity
     where pid <> pg_backend_pid() and state = 'active'
       and (wait_event_type is null or wait_event_type in ('IO', 'LWLock', 'BufferPin'))
       and not (datname is not distinct from $1 and backend_type in ('client backend', 'parallel worker'))`,
    [database],
  );
  return rows.map(({ who }) => who);
}

/** Milliseconds that sessions of other databases have spent in statements. */
async function readElsewhere(observer: pg.Client, database: string): Promise<number | null> {
  await observer.query('select pg_stat_clear_snapshot()');
  const { rows } = await observer.query<{ ms: number | null }>(
    'select sum(active_time)::float8 as ms from pg_catalog.pg_stat_database where datname <> $1',
    [database],
  );
  return rows[0]!.ms;
}
