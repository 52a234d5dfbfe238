import { formatDuration } from '../../core/units.ts';
import type { BenchFacts, Facts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, judged, kept, none } from './verdict.ts';

const ID = 'bench.targets';
const RUNBOOK = 'bench.md';

/** Whether the last benchmark kept its targets. */
export function judgeBench({ bench }: Facts, now: Date): readonly PromiseVerdict[] {
  return judged(bench, { ids: [ID], what: 'The last benchmark', runbook: RUNBOOK }, now, (found) => [
    found ? judge(found, now) : none(ID, { message: 'No benchmark was run here.', runbook: RUNBOOK }, 'structdb bench'),
  ]);
}

function judge({ at, verdict, queries }: BenchFacts, now: Date): PromiseVerdict {
  const when = ago(now.getTime() - at.getTime());
  const missed = queries.filter((query) => query.verdict === 'missed');
  const details = missed.map(
    ({ name, p95Ms, targetMs }) => `${name}: p95 ${formatDuration(p95Ms)} of ${formatDuration(targetMs)}`,
  );
  const told = { details, measured: { value: missed.length, limit: 0, unit: 'count' }, runbook: RUNBOOK } as const;
  if (verdict === 'missed') {
    const what = missed.length === 0 ? 'a target' : `the targets of ${missed.length} of ${queries.length} queries`;
    return broken(ID, 'structdb bench report', { message: `The benchmark ${when} missed ${what}.`, ...told });
  }
  const outcome = verdict === 'met' ? 'kept all targets' : 'could not decide every target';
  return kept(ID, { message: `The benchmark ${when} ${outcome}.`, ...told });
}
