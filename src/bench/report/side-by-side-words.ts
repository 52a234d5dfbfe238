import { formatCount, formatDuration } from '../../core/units.ts';
import type { WayResult } from '../side-by-side/side-by-side.ts';
import type { Way } from '../side-by-side/ways.ts';

/** The ways by their names. */
export const WAY_WORDS: Readonly<Record<Way, string>> = Object.freeze({
  kysely: 'Kysely',
  kyselyPrepared: 'Kysely, prepared',
  pg: 'pg',
  pgPrepared: 'pg, prepared',
  pgbench: 'pgbench',
});

/** `p50 1.2 ms, p95 3.4 ms, 812 a second` */
export function inOneLine({ p50Ms, p95Ms, perSecond }: WayResult): string {
  const upper = p95Ms === null ? 'n/a' : formatDuration(p95Ms);
  return `p50 ${formatDuration(p50Ms)}, p95 ${upper}, ${formatCount(Math.round(perSecond))} a second`;
}
