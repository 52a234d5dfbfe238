import { StructdbError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { DumpDrillResult } from './result.ts';

/** The promise that the drill found broken, gravest first; undefined when all hold. */
export function verdictOf(
  result: Pick<DumpDrillResult, 'label' | 'passedOver' | 'checks' | 'rto' | 'rpo' | 'ageOfData'>,
): StructdbError | undefined {
  const { label, passedOver, checks, rto, rpo, ageOfData } = result;
  if (passedOver.length > 0) {
    const [first] = passedOver;
    return new StructdbError('BACKUP_CORRUPT', `The newest backup cannot be restored: ${first!.reason}`, {
      details: [`${label} was restored instead, and is ${checks.every(({ ok }) => ok) ? 'good' : 'not good either'}.`],
      hint: 'Make a new backup now: structdb backup run',
    });
  }
  const failed = checks.filter(({ ok }) => !ok);
  const contents = failed.find(({ name }) => name === 'contents');
  if (contents) {
    return new StructdbError(
      'CONTENT_DIFFERS',
      `The restored copy of ${label} is not what the backup recorded: ${contents.message}.`,
      {
        details: failed.flatMap(({ details }) => details),
        hint: 'Make a new backup (structdb backup run) and run the drill again.',
      },
    );
  }
  if (failed.length > 0) {
    return new StructdbError(
      'CHECK_FAILED',
      `The restored copy of ${label} fails ${failed.length} of ${checks.length} checks: ${failed[0]!.name}: ${failed[0]!.message}.`,
      {
        details: failed.flatMap(({ name, details }) => details.map((detail) => `${name}: ${detail}`)),
        hint: 'Compare with the source (structdb migrate status); then make a new backup and run the drill again.',
      },
    );
  }
  if (!rto.met) {
    return new StructdbError(
      'RTO_EXCEEDED',
      `The recovery took ${formatDuration(rto.measuredMs)}; the objective is ${formatDuration(rto.objectiveMs)}.`,
      { hint: 'Raise objectives.rto in structdb.config.ts, or restore on a faster machine.' },
    );
  }
  if (ageOfData.judged && !ageOfData.withinLimit) {
    return new StructdbError(
      'BACKUP_STALE',
      `The newest backup, ${label}, is ${formatDuration(ageOfData.ms)} old; its tier promises one every ${formatDuration(ageOfData.intervalMs)}.`,
      { hint: 'Find out why the scheduled backup (structdb backup) did not run, and run it now.' },
    );
  }
  if (rpo.required) {
    return new StructdbError('RPO_UNPROVABLE', 'The recovery point is not provable from a dump.', {
      hint: 'Leave out --require-rpo, or drill a base backup with its WAL.',
    });
  }
  return undefined;
}
