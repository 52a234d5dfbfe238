import { formatDuration } from '../../../core/units.ts';
import type { PastDrill } from '../../../drill/index.ts';
import type { Area, Proof } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, then, unproven } from './proof.ts';

const RESTORED: Claim = {
  id: 'drills.restore',
  claim: 'A backup was restored in time, and every check of the copy was good',
  share: 0.6,
  remedy: { what: 'A drill that keeps its promises', command: 'structdb dr-test' },
};

const POINT: Claim = {
  id: 'drills.point',
  claim: 'A restore lost no more than is allowed',
  share: 0.4,
  remedy: {
    what: 'A drill of a base backup with its WAL: a dump proves no recovery point',
    command: 'structdb dr-test --kind base',
  },
};

/**
 * The newest drills that kept their promises and proved this, whatever came after: one that failed since is a broken promise
 * of its own, and one that proved less takes nothing away. They are held
 * against what is promised today.
 */
export function drillProofs({ drills, objectives }: Pick<Evidence, 'drills' | 'objectives'>): Area {
  const newest = (claim: Claim, none: string, judged: (drill: PastDrill) => string | null): Proof =>
    from(claim, drills, (all) => {
      const good = all.findLast((drill) => drill.ok && judged(drill) !== null);
      if (good === undefined) return unproven(claim, none);
      return then(claim, 1, judged(good)!, new Date(good.at), objectives.drillInterval);
    });
  return {
    id: 'drills',
    title: 'Drills',
    proofs: [
      newest(RESTORED, 'No drill has kept its promises.', ({ label, rtoMs, checks }) =>
        rtoMs === null || rtoMs > objectives.rto
          ? null
          : `${label} was back after ${formatDuration(rtoMs)} of ${formatDuration(objectives.rto)}; ${checks.good} of ${checks.all} checks were good.`,
      ),
      newest(POINT, 'No drill has proven a recovery point.', ({ label, rpoMs }) =>
        rpoMs === null || rpoMs > objectives.rpo
          ? null
          : `${label} with its WAL lost ${rpoMs === 0 ? 'nothing' : formatDuration(rpoMs)}; ${formatDuration(objectives.rpo)} are allowed.`,
      ),
    ],
  };
}
