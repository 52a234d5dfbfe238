import type { Command } from 'commander';
import type { Rendering } from '../bench/index.ts';
import { interrupted } from '../core/context.ts';
import { asStructdbError } from '../core/unexpected.ts';
import { openReportFiles, type ReportFiles, writeReports } from './report-files.ts';
import type { Session } from './session.ts';

export interface BenchReportFlags {
  readonly junit?: string;
  readonly markdown?: string;
  readonly html?: string;
}

/** `--junit`, `--markdown` and `--html`: any of them, each a file. */
export function addReportOptions(command: Command): Command {
  return command
    .option('--junit <file>', 'write the outcome as JUnit XML, for CI: a case per target, or per compared query')
    .option('--markdown <file>', 'write it as Markdown, for a comment on a pull request')
    .option('--html <file>', 'write it as one HTML page with pictures that needs no network');
}

/**
 * Runs a benchmark and writes the reports that were asked for; when nothing came of it, JUnit says so: what reads it must
 * not take a missing file for a good one.
 * @throws before the run what `openReportFiles` throws, where a report has no place to go to
 */
export async function withBenchReports<T>(
  session: Session,
  flags: BenchReportFlags,
  run: () => Promise<T>,
  renderingOf: (outcome: T) => Rendering,
): Promise<T> {
  const files = await openBenchReports(session, flags);
  const at = session.context.clock.now();
  let outcome: T;
  try {
    outcome = await run();
  } catch (thrown) {
    const { failureToJUnit } = await import('../bench/report/junit.ts');
    const { junit } = files;
    // Whatever the wish to stop broke on its way.
    const error = session.context.signal.aborted ? interrupted() : asStructdbError(thrown);
    if (junit) await writeReports({ junit }, () => failureToJUnit(error, at));
    throw thrown;
  }
  await writeBenchReports(files, renderingOf(outcome));
  return outcome;
}

type Kind = keyof BenchReportFlags;

/** The files of the flags, looked at before anything is done for them. */
export function openBenchReports(
  session: Session,
  { junit, markdown, html }: BenchReportFlags,
): Promise<ReportFiles<Kind>> {
  return openReportFiles<Kind>(session, { junit, markdown, html });
}

/** Writes them. */
export function writeBenchReports(files: ReportFiles<Kind>, rendering: Rendering): Promise<void> {
  return writeReports(files, (kind) => rendering[kind]());
}
