import { formatCount } from '../../../core/units.ts';
import type { Area } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, GOOD_FOR_A_MONTH_MS, now, then } from './proof.ts';

const MET: Claim = {
  id: 'speed.targets',
  claim: 'Every query meets its target',
  share: 1,
  remedy: { what: 'A benchmark that meets every target, not older than a month', command: 'structdb bench' },
};

/** The last benchmark: whole when it met everything, else the queries that did. */
export function speedProofs({ bench }: Pick<Evidence, 'bench'>): Area {
  return {
    id: 'speed',
    title: 'Speed',
    proofs: [
      from(MET, bench, (result) => {
        if (result === null) return now(MET, 0, 'No benchmark was run.');
        const queries = result.points.flatMap((point) => point.queries);
        const met = queries.filter(({ verdict }) => verdict === 'pass').length;
        const isWhole = result.verdict === 'pass' && result.complete;
        const shown = isWhole ? 1 : Math.min(met / Math.max(1, queries.length), 0.99);
        const how = result.complete ? '' : ' It was interrupted.';
        const found = `${formatCount(met)} of ${formatCount(queries.length)} queries met their targets.${how}`;
        return then(MET, shown, found, new Date(result.at), GOOD_FOR_A_MONTH_MS);
      }),
    ],
  };
}
