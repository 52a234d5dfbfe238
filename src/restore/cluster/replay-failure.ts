import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatInstant } from '../../core/instant.ts';
import { readReach } from '../../repository/recovery-window.ts';
import type { TransactionEnd } from '../../repository/wal-contents.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { describeTarget } from './target.ts';

/** What PostgreSQL's log says when recovery fails, in words that say what can be done. */
export async function explainFailure(
  error: unknown,
  log: string,
  plan: ClusterRestorePlan,
  logFile: string,
  context: RunContext,
): Promise<unknown> {
  if (error instanceof StructdbError && error.code === 'INTERRUPTED') return error;
  const lines = log.split('\n').filter((line) => /FATAL|PANIC|ERROR|structdb wal|WARNING/.test(line));
  const details = lines.slice(-8);
  const has = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const options = { cause: error, details };
  if (has(/recovery ended before configured recovery target was reached/)) {
    const { newestCommit } = plan.route;
    const until = newestCommit ? `; the newest commit in the archive is of ${formatInstant(newestCommit.at)}` : '';
    return new StructdbError(
      'TARGET_UNREACHABLE',
      `The WAL ended before ${describeTarget(plan.target)} was reached${until}.`,
      { ...options, hint: 'Nothing lies behind it: restore what there is, without a target.' },
    );
  }
  if (
    has(/WAL ends before end of online backup|could not locate required checkpoint record|could not find redo location/)
  ) {
    return new StructdbError(
      'WAL_MISSING',
      `The WAL that ${plan.backup.entry.label} needs to become consistent is incomplete.`,
      { ...options, hint: 'Use another backup: structdb backup list' },
    );
  }
  const fetching = has(/could not restore file "[^"]+" from archive/);
  if (fetching) {
    const why = lines.findLast((line) => line.includes('structdb wal fetch'))?.replace(/^.*structdb wal fetch: /, '');
    const name = /file "([^"]+)"/.exec(fetching)?.[1];
    const before = await lastBefore(name ?? '', plan, context);
    return new StructdbError('WAL_CORRUPT', `${name} could not be fetched from the archive${why ? `: ${why}` : '.'}`, {
      ...options,
      hint: before
        ? `Everything before it can be reached, the last commit of ${formatInstant(before.at)} included: --accept-gap`
        : 'Restore everything before it: --accept-gap. What is damaged: structdb wal verify',
    });
  }
  if (error instanceof StructdbError && error.code === 'SERVER_START_FAILED' && details.length > 0) {
    return new StructdbError(error.code, error.message, { ...options, hint: `See the log: ${logFile}` });
  }
  return error;
}

/** The last commit in the WAL before a segment that cannot be read. */
async function lastBefore(
  segment: string,
  plan: ClusterRestorePlan,
  context: RunContext,
): Promise<TransactionEnd | undefined> {
  const { reach, backup, wal, places } = plan;
  const at = reach.segments.indexOf(segment);
  if (at < 0) return undefined;
  const shorter = { ...reach, segments: reach.segments.slice(0, at), partial: undefined };
  const read = await readReach(shorter, backup.manifest, wal, context, places).catch(() => undefined);
  const commit = read?.newest?.commit;
  return commit && commit.lsn >= reach.base.stopLsn ? commit : undefined;
}
