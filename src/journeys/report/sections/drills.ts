import { formatBytes, formatDuration } from '../../../core/units.ts';
import { instant } from '../../../report/page.ts';
import type { Evidence } from '../evidence.ts';
import { known, minute, type Section, sectionOf } from './section.ts';

/** So many are shown, the newest first; `structdb dr-test history` has all. */
const SHOWN = 12;

/** The last drills with RTO, RPO and checks. */
export function drillSection({ drills, objectives }: Evidence): Section {
  return sectionOf('drills', 'Drills', [drills], () => {
    const all = known(drills, []);
    const last = all.at(-1);
    if (last === undefined) return { tone: 'open', summary: 'No drill was ever run.' };
    const good = all.filter(({ ok }) => ok).length;
    const rto = last.rtoMs === null ? '' : `, RTO ${formatDuration(last.rtoMs)} of ${formatDuration(objectives.rto)}`;
    return {
      tone: last.ok ? 'good' : 'bad',
      summary: `The last drill, of ${last.label} on ${instant(last.at)}, ${last.ok ? 'kept its promises' : `failed (${last.code ?? 'unknown'})`}${rto}; ${good} of ${all.length} did.`,
      facts: [
        ['Promised', `back within ${formatDuration(objectives.rto)}, losing at most ${formatDuration(objectives.rpo)}`],
        ['How often', `every ${formatDuration(objectives.drillInterval)}`],
      ],
      tables: [
        {
          caption: all.length > SHOWN ? `The last ${SHOWN} of ${all.length} drills` : 'Drills',
          head: ['', 'when (UTC)', 'backup', 'RTO', 'RPO', 'restored', 'checks'],
          rows: all
            .slice(-SHOWN)
            .toReversed()
            .map((drill) => [
              { tone: drill.ok ? ('good' as const) : ('bad' as const) },
              minute(drill.at),
              { code: drill.label },
              { number: drill.rtoMs === null ? 'n/a' : formatDuration(drill.rtoMs) },
              { number: drill.rpoMs === null ? 'n/a' : drill.rpoMs === 0 ? '0 s' : formatDuration(drill.rpoMs) },
              { number: drill.bytesPerSecond === null ? 'n/a' : `${formatBytes(drill.bytesPerSecond)}/s` },
              { number: `${drill.checks.good}/${drill.checks.all}` },
            ]),
        },
      ],
    };
  });
}
