import { readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { isPresent, isRunning, processesIn, workingDirectoryOf } from '../programs/process.ts';
import { foreignDataDirectory } from './cluster-files.ts';

/** What postmaster.pid tells: lines 1, 2 and 4 (PostgreSQL source, src/include/utils/pidfile.h). */
export interface Postmaster {
  readonly pid: number;
  readonly dataDirectory: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** The system has a process of this number: perhaps a stranger, perhaps one that has ended and was not yet reaped. */
  readonly present: boolean;
  /** Whether that process is the server of this very data directory, and not a stranger with an old number or a copy's original. */
  readonly ours: boolean;
}

/** The server that says it runs in a data directory; undefined when none does. @throws DATA_DIRECTORY_OWNER */
export async function readPostmaster(dataDirectory: string): Promise<Postmaster | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw foreignDataDirectory(dataDirectory, cause);
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return Object.freeze({
    pid,
    dataDirectory: lines[1] ?? '',
    port: Number(lines[3] ?? 0),
    socketDirectory: lines[4] ?? '',
    present: isPresent(pid),
    ours: (await isRunning(pid)) && (await worksIn(pid, dataDirectory, lines[1] ?? '')),
  });
}

async function worksIn(pid: number, dataDirectory: string, recorded: string): Promise<boolean> {
  const actual = await realpath(dataDirectory);
  const working = await workingDirectoryOf(pid);
  return working === undefined ? recorded === actual : working === actual;
}

/** How long the children of a killed server may take to notice before they are told. */
const PATIENCE_MS = 5000;

/**
 * Makes a data directory startable after its server was killed: waits for its children, which still hold the shared
 * memory ("pre-existing shared memory block is still in use"), and removes a postmaster.pid whose number the
 * system still knows though no such server runs, which PostgreSQL itself would not dare.
 */
export async function clearCrash(dataDirectory: string, stale: Postmaster, context: RunContext): Promise<void> {
  const actual = await realpath(dataDirectory);
  const started = context.clock.monotonicMs();
  let told = false;
  for (;;) {
    const left = await processesIn(actual);
    if (left.length === 0) break;
    stopIfInterrupted(context);
    const waited = context.clock.monotonicMs() - started;
    if (waited > PATIENCE_MS && !told) {
      told = true;
      // SIGQUIT ends a backend at once, as the dead postmaster would have done (PostgreSQL manual, "Shutting Down the Server").
      for (const pid of left) signal(pid, 'SIGQUIT');
    }
    if (waited > 4 * PATIENCE_MS) {
      throw new StructdbError(
        'SERVER_START_FAILED',
        `The server was killed, and its processes ${left.join(', ')} still run in ${dataDirectory}.`,
        { hint: `End them: kill ${left.join(' ')}` },
      );
    }
    await sleep(50);
  }
  if (stale.present && !stale.ours) await rm(path.join(dataDirectory, 'postmaster.pid'), { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}
