import type { Objectives } from '../../config/schema.ts';
import { formatDuration } from '../../core/units.ts';
import type { PastDrill } from '../../drill/history/index.ts';
import type { Facts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, judged, kept, none } from './verdict.ts';

const FRESH = 'drill.fresh';
const RTO = 'recovery.rto';
const RPO = 'recovery.rpo';
const RUNBOOK = 'dr-test.md';

/** Whether a restore was proven lately, and whether it kept the time and the loss that are promised. */
export function judgeDrills({ drills }: Facts, objectives: Objectives, now: Date): readonly PromiseVerdict[] {
  const ids = [FRESH, RTO, RPO];
  return judged(drills, { ids, what: 'The drills', runbook: RUNBOOK }, now, (found) => {
    const newestFirst = found.toSorted((a, b) => (a.last.at < b.last.at ? 1 : -1));
    const [newest] = newestFirst;
    if (!newest) {
      const message = 'No drill was ever run: nobody knows that these backups restore.';
      return [broken(FRESH, 'structdb dr-test', { message, runbook: RUNBOOK })];
    }
    const base = newestFirst.find(({ last }) => last.kind === 'base')?.last;
    return [judgeFresh(newestFirst, objectives, now), judgeRto(newest.last, objectives), judgeRpo(base, objectives)];
  });
}

function judgeFresh(newestFirst: readonly LastDrills[], objectives: Objectives, now: Date): PromiseVerdict {
  const { last } = newestFirst[0]!;
  const since = (at: string) => now.getTime() - Date.parse(at);
  const goodAt = newestFirst
    .flatMap(({ lastGood }) => lastGood?.at ?? [])
    .sort()
    .at(-1);
  const measured = {
    value: Math.max(0, Math.round(since(goodAt ?? last.at) / 1000)),
    limit: objectives.drillInterval / 1000,
    unit: 's',
  } as const;
  const details = newestFirst.map((each) => describe(each.last, now));
  const rto = last.rtoMs === null ? '' : `, RTO ${formatDuration(last.rtoMs)} of ${formatDuration(objectives.rto)}`;
  const failed = newestFirst.find((each) => !each.last.ok)?.last;
  if (failed) {
    return broken(FRESH, 'structdb dr-test   and see: structdb dr-test history', {
      message: `The last drill of a ${failed.kind} failed ${ago(since(failed.at))} (${failed.code ?? 'unknown'}).`,
      details,
      measured,
      runbook: RUNBOOK,
    });
  }
  if (since(last.at) > objectives.drillInterval) {
    return broken(FRESH, 'structdb dr-test   and see: structdb schedule print', {
      message: `The last drill was ${ago(since(last.at))}; one every ${formatDuration(objectives.drillInterval)} is promised.`,
      details,
      measured,
      runbook: RUNBOOK,
    });
  }
  return kept(FRESH, { message: `Last drill ${ago(since(last.at))}${rto}.`, details, measured, runbook: RUNBOOK });
}

interface LastDrills {
  readonly last: PastDrill;
  readonly lastGood: PastDrill | null;
}

function describe({ kind, label, ok, code, checks, at }: PastDrill, now: Date): string {
  const outcome = ok ? 'held' : `failed (${code ?? 'unknown'})`;
  return `${kind} ${label}, ${ago(now.getTime() - Date.parse(at))}: ${outcome}, ${checks.good} of ${checks.all} checks good`;
}

function judgeRto({ rtoMs, kind }: PastDrill, { rto }: Objectives): PromiseVerdict {
  if (rtoMs === null) {
    const message = 'The last drill restored nothing: how long a recovery takes is not known.';
    return broken(RTO, 'structdb dr-test   and see: structdb dr-test history', { message, runbook: RUNBOOK });
  }
  const told = {
    message: `The last drill, of a ${kind}, took ${formatDuration(rtoMs)} of ${formatDuration(rto)}.`,
    measured: { value: rtoMs / 1000, limit: rto / 1000, unit: 's' },
    runbook: RUNBOOK,
  } as const;
  return rtoMs > rto ? broken(RTO, 'Where the time went: structdb dr-test history', told) : kept(RTO, told);
}

function judgeRpo(base: PastDrill | undefined, { rpo }: Objectives): PromiseVerdict {
  if (base === undefined || base.rpoMs === null) {
    const message =
      base === undefined
        ? 'What a disaster would cost is not provable from a dump: only a base backup with its WAL can.'
        : 'The last drill of a base backup did not judge the loss.';
    return none(RPO, { message, runbook: RUNBOOK });
  }
  const told = {
    message: `The last drill of a base backup lost ${base.rpoMs === 0 ? 'nothing' : formatDuration(base.rpoMs)}; ${formatDuration(rpo)} are allowed.`,
    measured: { value: base.rpoMs / 1000, limit: rpo / 1000, unit: 's' },
    runbook: RUNBOOK,
  } as const;
  return base.rpoMs > rpo ? broken(RPO, 'structdb wal status   and: structdb wal receive', told) : kept(RPO, told);
}
