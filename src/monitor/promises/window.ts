import { formatDuration } from '../../core/units.ts';
import type { Facts, WindowFacts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, instantText, judged, kept, none, unknown } from './verdict.ts';

const ID = 'recovery.window';
const RUNBOOK = 'runbooks/wal-lost.md';

/** How far back every instant can be reached. An archive that is younger than the promise grows into it. */
export function judgeWindow(facts: Facts, now: Date): readonly PromiseVerdict[] {
  return judged(facts.window, { ids: [ID], what: 'The recovery window', runbook: RUNBOOK }, now, (found) => [
    found ? judge(found, now) : withoutWal(facts, now),
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
function withoutWal({ tiers, stores }: Facts, now: Date): PromiseVerdict {
  const found = tiers.ok ? tiers.value : [];
  const newest = found
    .flatMap((tier) => tier.newest ?? [])
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1);
  const fix = 'Archive the WAL (docs/wal.md), and: structdb backup run --kind base';
  if (newest) {
    const when = ago(now.getTime() - newest.at.getTime());
    const message = `Recoverable to the instant of a backup, the newest ${when}; nothing between them.`;
    return none(ID, { message, runbook: 'wal.md' }, fix);
  }
  const counts = (stores.ok ? stores.value : []).flatMap(({ backups }) => Object.values(backups));
  const backups = counts.reduce((sum, count) => sum + count, 0);
  if (backups > 0) {
    const message = `Recoverable to the instants of ${backups} backups that count for no tier; nothing between them.`;
    return none(ID, { message, runbook: 'wal.md' }, fix);
  }
  const unseen = [...found, ...(stores.ok ? stores.value : [])].some(({ error }) => error);
  if (!tiers.ok || !stores.ok || unseen) {
    return unknown(ID, 'structdb doctor', { message: 'The backups cannot be read.', runbook: 'backup.md' });
  }
  const message = 'Nothing is recoverable: there is neither a backup nor WAL.';
  return broken(ID, 'structdb backup', { message, runbook: 'backup.md' });
}
