import { readdir, readFile, readlink } from 'node:fs/promises';

/** Whether a process of that number exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, as the kernel counts it; undefined where /proc does not say. */
export async function processStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name in parentheses may hold blanks; field 22 is the 20th behind it (man proc_pid_stat).
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
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
