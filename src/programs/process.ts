import { spawn } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** Whether the system has a process of that number, whoever owns it, ended ones that wait for their parent included. */
export function isPresent(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process of that number runs. One that has ended and waits for its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  if (!isPresent(pid)) return false;
  const state = (await statFields(pid))?.[0];
  return state !== 'Z' && state !== 'X';
}

/** When a process began, as the kernel counts it; undefined where /proc does not say. */
export async function processStart(pid: number): Promise<string | undefined> {
  // Field 22 of the line is the 20th behind the name (man proc_pid_stat).
  return (await statFields(pid))?.[19];
}

/** What /proc says of a process, from its state on; the name in parentheses before it may hold blanks. */
async function statFields(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The directory a process works in; undefined where /proc does not say. */
export async function workingDirectoryOf(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/cwd`).catch(() => undefined);
}

/** The processes that work in `directory`: a PostgreSQL server and its children work in the data directory. */
export async function processesIn(directory: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [] as string[]);
  const found: number[] = [];
  for (const name of names) {
    if (/^\d+$/.test(name) && (await workingDirectoryOf(Number(name))) === directory) found.push(Number(name));
  }
  return found;
}

/** The process that started this one, shells between them left out; undefined where /proc does not say. */
export async function startedBy(): Promise<{ readonly pid: number; readonly start: string } | undefined> {
  for (let pid = process.ppid, depth = 0; pid > 1 && depth < 4; depth += 1) {
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
    const fields = await statFields(pid);
    if (!fields) return undefined;
    if (!/^(sh|dash|bash|busybox|ash)$/.test(name)) return { pid, start: fields[19]! };
    pid = Number(fields[1]);
  }
  return undefined;
}

/** Starts a program that outlives this process. */
export function startDetached(file: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const child = spawn(file, [...args], { detached: true, stdio: 'ignore', cwd: '/', env });
  // It only saves time: whoever started it goes on without it.
  child.on('error', () => {});
  child.unref();
}

/**
 * The servers and receivers of an abandoned directory: what works below it, or is a pg_receivewal that writes there. Never
 * what has a terminal: somebody may be looking around.
 */
export async function processesBelow(directory: string): Promise<number[]> {
  const below = `${directory}/`;
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [] as string[])) {
    const pid = Number(name);
    if (!/^\d+$/.test(name) || pid === process.pid || (await statFields(pid))?.[TERMINAL] !== '0') continue;
    const words = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const receives = words.some((word) => word.endsWith('pg_receivewal')) && words.some((word) => word.includes(below));
    if (receives || (await workingDirectoryOf(pid))?.startsWith(below)) found.push(pid);
  }
  return found;
}

/** Index of tty_nr among the fields behind the name; 0 where there is none. */
const TERMINAL = 4;
