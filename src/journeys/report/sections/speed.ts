import { judgeBench, pointName, type Verdict } from '../../../bench/index.ts';
import { formatCount, formatDuration } from '../../../core/units.ts';
import { instant } from '../../../report/page.ts';
import type { Evidence } from '../evidence.ts';
import { known, type Section, type SectionTable, sectionOf, type Tone } from './section.ts';

const TONES: Readonly<Record<Verdict, Tone>> = { pass: 'good', fail: 'bad', inconclusive: 'open' };

/** The newest benchmark: each class against its target, hit rates, and how latency grows where that was swept. */
export function speedSection({ bench }: Evidence): Section {
  return sectionOf('speed', 'Speed', [bench], () => {
    const result = known(bench, null);
    if (result === null) return { tone: 'open', summary: 'No benchmark was run.' };
    const { points, growth, suite, environment } = result;
    const several = points.length > 1;
    const named = (text: string, point: (typeof points)[number]) => (several ? `${text}, ${pointName(point)}` : text);
    return {
      tone: result.complete ? TONES[result.verdict] : 'open',
      summary: judgeBench(result)?.message ?? 'Every target was met.',
      facts: [
        ['Measured', `${instant(result.at)}, in ${formatDuration(result.durationMs)}, run ${result.id}`],
        ['Suite', `${suite.name}, ${formatCount(suite.queries)} queries, ${points.map(pointName).join('; ')}`],
        ['On', `PostgreSQL ${result.server}, ${environment.host.cpu}, ${environment.host.cores} cores`],
      ],
      tables: [
        {
          caption: 'Targets',
          head: ['', 'what', 'measured', 'target'],
          rows: points.flatMap((point) => [
            ...point.classes.map((each) => [
              { tone: TONES[each.verdict] },
              named(`${each.class}, the slowest query`, point),
              { number: each.p95Ms === null ? 'n/a' : `p95 ${formatDuration(each.p95Ms)}` },
              { number: `< ${formatDuration(each.targetMs)}` },
            ]),
            ...point.rates.map((each) => [
              { tone: TONES[each.verdict] },
              named(each.name === 'indexHitRate' ? 'index hit rate' : 'cache hit rate', point),
              { number: percent(each.value) },
              { number: `≥ ${percent(each.target)}` },
            ]),
            ...point.connections.map((each) => [
              { tone: TONES[each.verdict] },
              named(`connections, pool of ${each.pool}`, point),
              { number: percent(each.utilisation) },
              { number: `< ${percent(each.target)}` },
            ]),
          ]),
        },
        ...growthTables(growth.withData),
      ],
    };
  });
}

/** Queries that are slower with more data; those that are not judged are in the report of the benchmark. */
function growthTables(growths: NonNullable<Extract<Evidence['bench'], { ok: true }>['value']>['growth']['withData']) {
  const judged = growths.filter(({ verdict }) => verdict !== null);
  if (judged.length === 0) return [];
  const table: SectionTable = {
    caption: 'Growth with the data',
    head: ['', 'query', 'projects', 'slower', 'target'],
    rows: judged.map(({ name, steps, ratio, target, verdict }) => [
      { tone: TONES[verdict!] },
      { code: name },
      { number: `${formatCount(steps[0]!.size)} to ${formatCount(steps.at(-1)!.size)}` },
      { number: ratio === null ? 'n/a' : `${ratio.value.toFixed(2)} ×` },
      { number: target === null ? '' : `≤ ${target.toFixed(2)} ×` },
    ]),
  };
  return [table];
}

function percent(value: number | null): string {
  return value === null ? 'n/a' : `${(value * 100).toFixed(1)} %`;
}
