import type { MeterReading } from '../observe/meter.ts';
import { adviceOn } from '../observe/statements.ts';
import type { Doubt } from '../result.ts';

/** What is wrong with the server's statistics, and what follows from it. */
export function statisticsDoubts({ total, statements, statementsReset }: MeterReading): Doubt[] {
  const doubts: Doubt[] = [];
  if (total.reset) {
    doubts.push({
      kind: 'statistics-reset',
      message:
        'The statistics of the database were reset while the queries were timed: its hit rates and scans were discarded. Run it again when nobody calls pg_stat_reset().',
    });
  }
  if (statementsReset) {
    doubts.push({
      kind: 'statistics-reset',
      message:
        'pg_stat_statements was reset while the queries were timed: the hit rates of single queries were discarded. Run it again when nobody calls pg_stat_statements_reset().',
    });
  }
  if (typeof statements === 'string') {
    doubts.push({
      kind: 'queries-not-counted',
      message: `Hit rates of single queries come from a few runs under EXPLAIN, most of them too short for a rate: ${adviceOn(statements)}.`,
    });
  }
  return doubts;
}
