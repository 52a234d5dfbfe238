import { toolVersion } from '../core/tool-version.ts';
import { asStructdbError } from '../core/unexpected.ts';
import type { DrillResult, ScenariosResult } from '../drill/index.ts';
import { openReportFiles, writeReports } from './report-files.ts';
import type { Session } from './session.ts';

export interface ReportFlags {
  readonly junit?: string;
  readonly html?: string;
}

/**
 * Runs a drill and writes the reports that were asked for, also when it could restore nothing: what reads them must not
 * take a missing file for a good one.
 * @throws before the drill what `openReportFiles` throws, where a report has no place to go to
 */
export async function withReports<Result extends DrillResult | ScenariosResult, T extends { readonly result: Result }>(
  session: Session,
  { junit, html }: ReportFlags,
  drill: () => Promise<T>,
): Promise<T> {
  const files = await openReportFiles(session, { junit, html });
  const at = session.context.clock.now();
  const { reportOf, reportOfFailure, toHtml, toJUnit } = await import('../drill/index.ts');
  const write = (report: ReturnType<typeof reportOf>) =>
    writeReports(files, (kind) => (kind === 'junit' ? toJUnit(report) : toHtml(report)));
  let outcome: T;
  try {
    outcome = await drill();
  } catch (thrown) {
    await write(reportOfFailure(asStructdbError(thrown), at, toolVersion()));
    throw thrown;
  }
  await write(reportOf(outcome.result));
  return outcome;
}
