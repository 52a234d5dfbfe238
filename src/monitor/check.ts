import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';
import type { PromiseVerdict } from './promise.ts';

export interface CheckOptions extends MonitorOptions {
  /** Only these promises: by their ids, or the beginning of ids (`backup` for `backup.daily` and its like). */
  readonly only?: readonly string[] | undefined;
  /** All but these. */
  readonly ignore?: readonly string[] | undefined;
}

export interface CheckResult {
  /** Broken ones first. */
  readonly promises: readonly PromiseVerdict[];
  readonly broken: number;
  readonly unknown: number;
}

/** Looks at everything once, and judges. @throws USAGE for a name that fits no promise; INTERRUPTED */
export async function checkPromises(options: CheckOptions, context: RunContext): Promise<CheckResult> {
  const monitor = new Monitor(options, context);
  try {
    await monitor.look();
    if (context.signal.aborted) throw interrupted();
    const promises = chosen(monitor.view.promises, options);
    const count = (state: PromiseVerdict['state']) => promises.filter((each) => each.state === state).length;
    return Object.freeze({ promises, broken: count('broken'), unknown: count('unknown') });
  } finally {
    await monitor.close();
  }
}

/** What breaks the check: a promise that does not hold, and one that nobody could look at. undefined when all is well. */
export function judgeCheck({ promises }: CheckResult): StructdbError | undefined {
  const bad = promises.filter(({ state }) => state === 'broken' || state === 'unknown');
  const [first] = bad;
  if (!first) return undefined;
  const message = bad.length === 1 ? first.message : `${bad.length} promises do not hold. The first: ${first.message}`;
  return new StructdbError('PROMISE_BROKEN', message, { hint: first.fix ?? 'See docs/monitoring.md.' });
}

function chosen(
  promises: readonly PromiseVerdict[],
  { only, ignore = [] }: Pick<CheckOptions, 'only' | 'ignore'>,
): PromiseVerdict[] {
  for (const name of [...(only ?? []), ...ignore]) {
    if (promises.some(({ id }) => fits(id, name))) continue;
    throw new StructdbError('USAGE', `There is no promise "${name}".`, {
      hint: `Name one of: ${promises.map(({ id }) => id).join(', ')}`,
    });
  }
  return promises.filter(
    ({ id }) => (only === undefined || only.some((name) => fits(id, name))) && !ignore.some((name) => fits(id, name)),
  );
}

function fits(id: string, name: string): boolean {
  return id === name || (id.startsWith(name) && /^[. ]/.test(id.slice(name.length)));
}
