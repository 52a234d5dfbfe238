import path from 'node:path';

/** The line (from 1) of a migration's file at which an error arose, or through which it came. */
export function lineInStack(error: unknown, file: string): number | undefined {
  const base = path.basename(file);
  const stack = String((error as { stack?: unknown } | undefined)?.stack ?? '');
  for (const line of stack.split('\n')) {
    // Node writes the names of modules as URLs.
    const name = [base, encodeURI(base)].find((written) => line.includes(`/${written}:`));
    const [, number] =
      name === undefined ? [] : (/^:(\d+)/.exec(line.slice(line.lastIndexOf(name) + name.length)) ?? []);
    if (number !== undefined) return Number(number);
  }
  return undefined;
}
