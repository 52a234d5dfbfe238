import { formatDuration } from '../../core/units.ts';
import type { Facts, WindowFacts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, instantText, judged, kept, none } from './verdict.ts';

const ID = 'recovery.window';
const RUNBOOK = 'runbooks/wal-lost.md';

/** How far back every instant can be reached. An archive that is younger than the promise grows into it. */
export function judgeWindow({ window, tiers }: Facts, now: Date): readonly PromiseVerdict[] {
  return judged(window, { ids: [ID], what: 'The recovery window', runbook: RUNBOOK }, now, (found) => [
    found ? judge(found, now) : withoutWal(tiers, now),
  ]);
}

function judge({ from, to, objectiveMs, holes, lostFrom }: WindowFacts, now: Date): PromiseVerdict {
  const spanMs = Math.max(0, now.getTime() - from.getTime());
  const reach = `Recoverable from ${instantText(from, now)} to ${ago(now.getTime() - to.getTime())}`;
  const promised = `${formatDuration(objectiveMs)} are promised`;
  const measured = { value: Math.round(spanMs / 1000), limit: objectiveMs / 1000, unit: 's' } as const;
  if (holes.length > 0) {
    const [first] = holes;
    return broken(ID, 'structdb wal verify   and begin anew: structdb backup run --kind base', {
      message: `${reach}, but with a hole: WAL segment ${first!.segment} is missing.`,
      details: [
        promised,
        ...holes.map(({ segment, lastBefore }) => {
          const when = instantText(lastBefore, now);
          return `What was committed behind ${when} cannot be brought back, up to the next base backup (${segment}).`;
        }),
      ],
      measured,
      runbook: RUNBOOK,
    });
  }
  if (lostFrom !== null) {
    return broken(ID, 'structdb wal status   and: structdb backup verify', {
      message: `${reach}; it reached back to ${instantText(lostFrom, now)} before: base backups or WAL are gone.`,
      details: [promised],
      measured,
      runbook: RUNBOOK,
    });
  }
  const grows = spanMs < objectiveMs ? [`The archive is ${formatDuration(spanMs)} old; ${promised}: it grows.`] : [];
  return kept(ID, { message: `${reach}.`, details: grows, measured, runbook: RUNBOOK });
}

/** Dumps bring back the instants at which they were made, and nothing in between. */
function withoutWal(tiers: Facts['tiers'], now: Date): PromiseVerdict {
  const newest = (tiers.ok ? tiers.value : [])
    .flatMap((tier) => tier.newest ?? [])
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1);
  const message = newest
    ? `Recoverable to the instant of a backup, the newest ${ago(now.getTime() - newest.at.getTime())}; nothing between them.`
    : 'Nothing is recoverable: there is neither a backup nor WAL.';
  return newest
    ? none(ID, { message, runbook: 'wal.md' }, 'Archive the WAL (docs/wal.md), and: structdb backup run --kind base')
    : broken(ID, 'structdb backup', { message, runbook: 'backup.md' });
}
