import { StructdbError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import type { FromStore } from '../from-store.ts';
import type { BaseDrillResult } from '../result.ts';

/** The promise that the drill found broken, gravest first; undefined when all hold. */
export function baseVerdict(
  result: Pick<BaseDrillResult, 'label' | 'passedOver' | 'checks' | 'rto' | 'rpo'> & {
    readonly hole: FromStore['hole'];
  },
): StructdbError | undefined {
  const { label, passedOver, checks, rto, rpo, hole } = result;
  const failed = checks.filter(({ ok }) => !ok);
  if (passedOver.length > 0) {
    return new StructdbError('BACKUP_CORRUPT', `The newest base backup cannot be restored: ${passedOver[0]!.reason}`, {
      details: [`${label} was restored instead, and is ${failed.length === 0 ? 'good' : 'not good either'}.`],
      hint: 'Make a new backup now: structdb backup run --kind base',
    });
  }
  if (failed.length > 0) {
    return new StructdbError(
      'CHECK_FAILED',
      `What was recovered from ${label} fails ${failed.length} of ${checks.length} checks: ${failed[0]!.name}: ${failed[0]!.message}.`,
      {
        details: failed.flatMap(({ name, details }) => details.map((detail) => `${name}: ${detail}`)),
        hint: 'Look at the source too (pg_amcheck, structdb migrate status); then make a new backup and run the drill again.',
      },
    );
  }
  if (hole) {
    return new StructdbError('WAL_HOLE', hole.message, {
      hint: 'What is behind the hole is lost in a disaster now. Make a new base backup: structdb backup run --kind base',
    });
  }
  if (!rto.met) {
    return new StructdbError(
      'RTO_EXCEEDED',
      `The recovery took ${formatDuration(rto.measuredMs)}; the objective is ${formatDuration(rto.objectiveMs)}.`,
      {
        hint: 'Make base backups more often (less WAL to replay), restore on a faster machine, or raise objectives.rto.',
      },
    );
  }
  if (rpo.judged && !rpo.met) {
    return new StructdbError(
      'RPO_EXCEEDED',
      `A disaster now would lose ${rpo.message}; the objective is ${formatDuration(rpo.objectiveMs)}.`,
      {
        hint:
          rpo.lostCommits === null
            ? 'A source that is only idle would say so: name it (--url) and let it run, or let a heartbeat tell (structdb wal receive).'
            : 'See what hinders archiving (structdb wal status), or keep the loss at a second: structdb wal receive',
      },
    );
  }
  return undefined;
}
