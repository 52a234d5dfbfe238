import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';
import type { PromiseVerdict } from './promise.ts';
import { byUrgency } from './promises/judge.ts';
import { none, unknown } from './promises/verdict.ts';

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

/** Looks at everything once, and judges. @throws USAGE for a name that fits no promise, and when none is left; INTERRUPTED */
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

/** What is only judged when a server answers, a drill was run or a disk can be seen; to be named at any time all the same. */
const AT_TIMES = ['recovery.rto', 'recovery.rpo', 'connections', 'index.hit-rate', 'cache.hit-rate'];
const DATA_DISK = 'disk.data-directory';

function chosen(
  promises: readonly PromiseVerdict[],
  { only, ignore = [] }: Pick<CheckOptions, 'only' | 'ignore'>,
): PromiseVerdict[] {
  const stores = promises.flatMap(({ id }) => (id.startsWith('store.') ? [id.replace('.', '-')] : []));
  const atTimes = [...AT_TIMES, DATA_DISK, ...stores.map((store) => `disk.${store}`)];
  const isThere = (name: string) => promises.some(({ id }) => fits(id, name));
  for (const name of [...(only ?? []), ...ignore]) {
    if (isThere(name) || atTimes.some((id) => fits(id, name) || name.startsWith(`${id} `))) continue;
    throw new StructdbError('USAGE', `There is no promise "${name}".`, {
      hint: `Name one of: ${promises.map(({ id }) => id).join(', ')}`,
    });
  }
  const absent = (only ?? []).filter((name) => !isThere(name)).map((name) => verdictOfAbsent(name, promises));
  const left = byUrgency([...promises, ...absent]).filter(
    ({ id }) => (only === undefined || only.some((name) => fits(id, name))) && !ignore.some((name) => fits(id, name)),
  );
  if (left.length > 0) return left;
  throw new StructdbError('USAGE', '--only and --ignore leave no promise to judge.', {
    hint: 'Ignore fewer: a check of nothing would always pass.',
  });
}

/** Of a promise that was asked for by its name: nothing to judge would pass for nothing broken. */
function verdictOfAbsent(name: string, promises: readonly PromiseVerdict[]): PromiseVerdict {
  const runbook = 'monitoring.md#the-promises';
  if (name.startsWith('recovery'))
    return none(name, { message: `${name} is judged by drills; none was run.`, runbook });
  const down = promises.find(({ id, state }) => fits(id, 'server.up') && state === 'broken');
  const why = down ? `cannot be looked at: ${down.message}` : 'cannot be seen from here.';
  return unknown(name, down?.fix ?? null, { message: `${name} ${why}`, runbook });
}

function fits(id: string, name: string): boolean {
  return id === name || (id.startsWith(name) && /^[. ]/.test(id.slice(name.length)));
}
