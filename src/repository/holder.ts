import { readFile, readlink } from 'node:fs/promises';
import { codeOf } from '../core/errors.ts';

/** Who works: given by the command line, kept in leases and manifests. */
export interface Actor {
  readonly host: string;
  readonly user: string;
  /** `backup run`, `dr-test`. */
  readonly command: string;
}

/**
 * A process as others can recognise it: the machine's boot and the process namespace, the process id and when it
 * started. Linux only; elsewhere `space` is absent and nobody can tell that the process is gone.
 */
export interface ProcessMark {
  readonly pid: number;
  readonly space?: string;
  readonly startTicks?: string;
}

export async function ownMark(): Promise<ProcessMark> {
  const space = await processSpace();
  const startTicks = await startTicksOf(process.pid);
  return space && startTicks ? { pid: process.pid, space, startTicks } : { pid: process.pid };
}

/**
 * Whether that process is certainly gone: it ran in this process namespace of this boot, and its id is free or was
 * given to a later process. A kill -9 a second ago is thereby told from a run on another host.
 */
export async function isGone(mark: ProcessMark): Promise<boolean> {
  if (!mark.space || mark.space !== (await processSpace())) return false;
  const ticks = await startTicksOf(mark.pid);
  return ticks === undefined ? !exists(mark.pid) : ticks !== mark.startTicks;
}

/** /proc may hide other users' processes; signal 0 does not. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

async function processSpace(): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold blanks and brackets. */
async function startTicksOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19];
}
