import { randomUUID } from 'node:crypto';
import { open, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, StructdbError } from '../core/errors.ts';
import { writeWhole } from '../storage/whole-file.ts';
import type { Session } from './session.ts';

/** A file that a report goes to. */
interface ReportFile {
  readonly file: string;
  /** A terminal, a pipe or a device: nothing to put a finished file in place of. */
  readonly isStream: boolean;
}

/** The files of the flags that were given, by the kind of report. */
export type ReportFiles<Kind extends string> = Partial<Readonly<Record<Kind, ReportFile>>>;

/**
 * Looks where reports are to go, before the work that they report on.
 * @throws FILE_MISSING without the folder; FILE_UNREADABLE where no file can be made; USAGE for two reports in one file
 */
export async function openReportFiles<Kind extends string>(
  session: Session,
  flags: Readonly<Record<Kind, string | undefined>>,
): Promise<ReportFiles<Kind>> {
  const found: Partial<Record<Kind, ReportFile>> = {};
  const taken = new Map<string, string>();
  for (const [kind, given] of Object.entries(flags) as [Kind, string | undefined][]) {
    if (given === undefined) continue;
    const report = await examine(path.resolve(session.environment.workingDirectory, given), kind);
    const other = taken.get(report.file);
    if (other !== undefined && !report.isStream) {
      throw new StructdbError('USAGE', `--${other} and --${kind} name the same file ${report.file}.`, {
        hint: 'Give each report a file of its own.',
      });
    }
    taken.set(report.file, kind);
    found[kind] = report;
  }
  return found;
}

/** Writes each report; a reader sees the old file or the whole new one. @throws FILE_UNREADABLE, DISK_FULL */
export async function writeReports<Kind extends string>(
  files: ReportFiles<Kind>,
  render: (kind: Kind) => string,
): Promise<void> {
  for (const [kind, { file, isStream }] of Object.entries(files) as [Kind, ReportFile][]) {
    if (isStream) await writeFile(file, render(kind));
    else await writeWhole(file, render(kind), 0o666 & ~process.umask());
  }
}

/** What is open already, also where that is a file (/dev/stdout); /dev/shm has files like any other folder. */
const DEVICE = /^\/dev\/([^/]+|fd\/\d+)$/;

async function examine(given: string, kind: string): Promise<ReportFile> {
  // A link stays one: what it points to is replaced.
  const file = await realpath(given).catch(() => given);
  const found = await stat(given).catch(() => undefined);
  if (found?.isDirectory()) throw unwritable(given, kind, 'it is a folder');
  if (DEVICE.test(given) || (found && !found.isFile())) return { file: given, isStream: true };
  const folder = path.dirname(file);
  const above = await stat(folder).catch(() => undefined);
  if (!above?.isDirectory()) {
    throw new StructdbError('FILE_MISSING', `There is no folder ${folder} for the report ${path.basename(file)}.`, {
      hint: `Make it first: mkdir -p ${folder}`,
    });
  }
  // Permissions, quotas and read-only file systems in one question; access(2) knows the first alone, and not for root.
  const probe = path.join(folder, `.structdb-${randomUUID()}.tmp`);
  try {
    await (await open(probe, 'wx')).close();
  } catch (cause) {
    throw unwritable(given, kind, messageOf(cause), cause);
  } finally {
    await rm(probe, { force: true });
  }
  return { file, isStream: false };
}

function unwritable(file: string, kind: string, why: string, cause?: unknown): StructdbError {
  return new StructdbError('FILE_UNREADABLE', `The report of --${kind} cannot be written to ${file}: ${why}.`, {
    cause,
    hint: 'Name another file, or check the folder and its permissions.',
  });
}
