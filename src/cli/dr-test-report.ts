import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { toolVersion } from '../core/tool-version.ts';
import { asStructdbError } from '../core/unexpected.ts';
import type { DrillResult, ScenariosResult } from '../drill/index.ts';
import type { Session } from './session.ts';

export interface ReportFlags {
  readonly junit?: string;
  readonly html?: string;
}

/**
 * Runs a drill and writes the reports that were asked for, also when it could restore nothing: what reads them must not
 * take a missing file for a good one.
 * @throws FILE_MISSING before the drill, where a report has no folder to go to
 */
export async function withReports<Result extends DrillResult | ScenariosResult, T extends { readonly result: Result }>(
  session: Session,
  flags: ReportFlags,
  drill: () => Promise<T>,
): Promise<T> {
  const files = { junit: place(session, flags.junit), html: place(session, flags.html) };
  await Promise.all(Object.values(files).map(requireFolder));
  const at = session.context.clock.now();
  const { reportOf, reportOfFailure, toHtml, toJUnit } = await import('../drill/index.ts');
  const write = async (report: ReturnType<typeof reportOf>) => {
    if (files.junit !== undefined) await writeFile(files.junit, toJUnit(report));
    if (files.html !== undefined) await writeFile(files.html, toHtml(report));
  };
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

function place(session: Session, file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(session.environment.workingDirectory, file);
}

async function requireFolder(file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const folder = path.dirname(file);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new StructdbError('FILE_MISSING', `There is no folder ${folder} for the report ${path.basename(file)}.`, {
    hint: `Make it first: mkdir -p ${folder}`,
  });
}
