import { spawn } from 'node:child_process';
import type { RunContext } from '../../src/core/context.ts';
import type { Store } from '../../src/storage/store.ts';

/**
 * Every point at which a run may die: before and after each call of the store that changes it, and each step that is
 * reported. Points are numbered from 1 in the order in which a run meets them; `onPoint` gets the name, such as
 * `before putIfAbsent manifest.json` or `step backup.dump`.
 */
export function withKillPoints(
  store: Store,
  context: RunContext,
  onPoint: (number: number, name: string) => void,
): { readonly store: Store; readonly context: RunContext } {
  let number = 0;
  const point = (name: string) => {
    number += 1;
    onPoint(number, name);
  };
  const around = <Args extends readonly unknown[], T>(
    verb: string,
    call: (key: string, ...args: Args) => Promise<T>,
  ) => {
    return async (key: string, ...args: Args): Promise<T> => {
      const what = `${verb} ${key.split('/').at(-1) || key}`;
      point(`before ${what}`);
      const result = await call(key, ...args);
      point(`after ${what}`);
      return result;
    };
  };
  const watched: Store = {
    location: store.location,
    sealing: store.sealing,
    settings: store.settings,
    put: around('put', store.put.bind(store)),
    putIfAbsent: around('putIfAbsent', store.putIfAbsent.bind(store)),
    delete: around('delete', store.delete.bind(store)),
    sweep: around('sweep', store.sweep.bind(store)),
    ...(store.leftovers ? { leftovers: store.leftovers.bind(store) } : {}),
    get: store.get.bind(store),
    head: store.head.bind(store),
    list: store.list.bind(store),
    folders: store.folders.bind(store),
    plainSha256: store.plainSha256.bind(store),
  };
  const report: RunContext['report'] = (event) => {
    if (event.kind === 'step') point(`step ${event.step}`);
    context.report(event);
  };
  return { store: watched, context: { ...context, report } };
}

/** For `onPoint`: dies as kill -9 does at that point, and otherwise prints the names, one a line. */
export function dieAt(wanted: number): (number: number, name: string) => void {
  return (number, name) => {
    process.stdout.write(`${name}\n`);
    if (number === wanted) process.kill(process.pid, 'SIGKILL');
  };
}

export interface Died {
  /** The points that were passed, in order; the last is where it died. */
  readonly points: readonly string[];
  readonly killed: boolean;
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** Runs a script of the tests (which uses `withKillPoints` and `dieAt`) as a process of its own. */
export async function runToDeath(script: string, args: readonly string[]): Promise<Died> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) =>
      resolve({ points: stdout.split('\n').filter(Boolean), killed: signal === 'SIGKILL', exitCode, stderr }),
    );
  });
}
