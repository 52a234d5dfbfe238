import { messageOf, StructdbError } from '../../core/errors.ts';

/** `notice` is something to know; a `warning` will hurt one day; a `problem` breaks a promise now. */
export type Level = 'ok' | 'notice' | 'warning' | 'problem';

export type Area =
  | 'server'
  | 'tools'
  | 'privileges'
  | 'archiving'
  | 'stores'
  | 'clocks'
  | 'space'
  | 'backups'
  | 'drills';

/** One thing that was looked at. */
export interface Finding {
  readonly area: Area;
  /** Stable: `server.version`, `archiving.round-trip`, … */
  readonly check: string;
  readonly level: Level;
  /** What was found, in one line. */
  readonly message: string;
  /** The command or the change that mends it; null where there is nothing to mend. */
  readonly fix: string | null;
}

export function ok(area: Area, check: string, message: string): Finding {
  return { area, check: `${area}.${check}`, level: 'ok', message, fix: null };
}

export function finding(
  level: Exclude<Level, 'ok'>,
  area: Area,
  check: string,
  message: string,
  fix: string | null,
): Finding {
  return { area, check: `${area}.${check}`, level, message, fix };
}

/** What a check met on its way, as its finding: one failing check never keeps the others from being made. */
export function failed(area: Area, check: string, error: unknown, level: Exclude<Level, 'ok'> = 'problem'): Finding {
  if (error instanceof StructdbError && error.code === 'INTERRUPTED') throw error;
  const hint = error instanceof StructdbError ? error.hint : undefined;
  return finding(level, area, check, messageOf(error), hint ?? null);
}

/** Runs a check of one thing and turns what it throws into its finding. */
export async function attempt(
  area: Area,
  check: string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [failed(area, check, error)];
  }
}
