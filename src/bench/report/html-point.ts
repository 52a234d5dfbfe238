import { formatBytes, formatCount, formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { strip } from '../../report/svg.ts';
import { describeLoop } from '../judge/describe-loop.ts';
import { describeMissed } from '../plans/missed-index.ts';
import type { PlanRecord } from '../plans/plan-record.ts';
import { renderPlan } from '../plans/plan-text.ts';
import { counted, pointName } from '../point-name.ts';
import type { Point, QueryResult } from '../result.ts';
import { SAMPLE_FLOORS } from '../statistics/percentiles.ts';
import { mark } from './markup.ts';
import { axisStrip, distribution, latencyScale, rangeStrip, shareStrip } from './pictures.ts';
import type { QuerySamples } from './report.ts';
import type { LogScale } from './scale.ts';
import { CLASS_WORDS, interval, latency, percent, RATE_WORDS, rate, tableScan, targetGroups } from './words.ts';

/** Everything that was measured at one point: the table of queries, their distributions, each in detail, the resources. */
export function pointContent(point: Point, samples: readonly QuerySamples[] | undefined): string {
  return [
    `<p class="quiet">${escapeXml(describeLoop(point))}</p>`,
    queryTable(point),
    distributions(point, samples),
    `<h3>Each query</h3>${point.queries.map((query) => details(query, point.plans)).join('\n')}`,
    resources(point),
    access(point),
  ].join('\n');
}

function queryTable(point: Point): string {
  const scale = latencyScale(point.queries);
  const bodies = targetGroups(point.queries).map((group) => {
    const title = `${CLASS_WORDS[group.class]}: p95 below ${formatDuration(group.targetMs)}`;
    const head = `<tr role="row" class="group"><th role="rowheader" scope="rowgroup" colspan="7">${title}</th></tr>`;
    return `<tbody role="rowgroup">${head}${group.queries.map((query) => queryRow(query, scale)).join('')}</tbody>`;
  });
  const columns = ['p50', 'p95', 'p99', 'target'].map(
    (name) => `<th role="columnheader" scope="col" class="number${name === 'target' ? ' limit' : ''}">${name}</th>`,
  );
  return `${key()}<table role="table" class="queries"><caption class="hidden">Latencies at ${escapeXml(pointName(point))}, with 95 % confidence intervals</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">query</th><th role="columnheader" scope="col" class="picture">${axisStrip(scale)}</th>${columns.join('')}<th role="columnheader" scope="col">verdict</th></tr></thead>
${bodies.join('\n')}</table>`;
}

function queryRow(query: QueryResult, scale: LogScale): string {
  const { name, p50, p95, p99, samples, targetMs, verdict } = query;
  const { sign, word, tone } = mark(verdict);
  const below = p95 ? interval(p95) : `${formatCount(samples)} of ${SAMPLE_FLOORS.p95} samples`;
  const cell = (kind: string, value: string) =>
    `<td role="cell" class="number ${kind}" data-name="${kind}">${value}</td>`;
  return `<tr role="row"><th role="rowheader" scope="row" class="name">${escapeXml(name)}</th><td role="cell" class="picture">${rangeStrip(query, scale)}</td>${cell('p50', latency(p50))}${cell('p95', `${latency(p95)}<small>${below}</small>`)}${cell('p99', latency(p99))}<td role="cell" class="number limit">&lt; ${formatDuration(targetMs)}</td><td role="cell" class="word"><span class="${tone}">${sign} ${word}</span></td></tr>`;
}

/** What the signs of the pictures mean. */
function key(): string {
  const entry = (name: string, shape: string) => `<span>${strip(16, { title: name }, [shape])}${name}</span>`;
  return `<p class="key quiet">${[
    entry('p50 to p95', '<rect class="span" x="0" width="100%" y="4" height="8"/>'),
    entry(
      'p95 and its 95 % interval',
      '<rect class="interval" x="20%" width="60%" y="1" height="14"/><line class="edge" x1="50%" x2="50%" y1="0" y2="16"/>',
    ),
    entry('p99', '<circle class="ring" cx="50%" cy="8" r="3.5"/>'),
    entry('target', '<line class="target" x1="50%" x2="50%" y1="0" y2="16"/>'),
  ].join('')}</p>`;
}

function distributions(point: Point, samples: readonly QuerySamples[] | undefined): string {
  const known = new Map(samples?.map(({ name, us }) => [name, us]));
  const head = '<h3>Distributions: the share of all runs that took at most so long</h3>';
  if (known.size === 0)
    return `${head}<p class="quiet">The samples of this run are not at hand; they are kept with stored results.</p>`;
  const groups = targetGroups(point.queries).map((group) => {
    const cards = group.queries.flatMap((query) => {
      const ms = (known.get(query.name) ?? []).map((us) => us / 1000).sort((a, b) => a - b);
      return ms.length === 0 ? [] : [{ query, ms }];
    });
    const scale = latencyScale(
      group.queries,
      cards.flatMap(({ ms }) => [ms[0]!, ms.at(-1)!]),
    );
    return cards.map(
      ({ query, ms }) =>
        `<figure><figcaption>${escapeXml(query.name)} <small>${counted(ms.length, 'run')}, slowest ${formatDuration(ms.at(-1)!)}, target ${formatDuration(query.targetMs)}</small></figcaption>${distribution(query, ms, scale)}</figure>`,
    );
  });
  return `${head}<div class="cards">${groups.flat().join('\n')}</div>`;
}

function details(query: QueryResult, plans: readonly PlanRecord[]): string {
  const { sign, word, tone } = mark(query.verdict);
  const facts: [string, string][] = [
    ['Verdict', `${word}, target below ${formatDuration(query.targetMs)}`],
    ['Served by', query.index ?? 'no index of its own'],
    ['Samples', formatCount(query.samples)],
    ...(['p50', 'p90', 'p95', 'p99', 'p999'] as const).map((name): [string, string] => {
      const found = query[name];
      const floor = `n/a: ${formatCount(SAMPLE_FLOORS[name])} samples are needed`;
      return [name === 'p999' ? 'p99.9' : name, found ? `${latency(found)} (${interval(found)})` : floor];
    }),
    ['Slowest', formatDuration(query.max)],
    ['Blocks in shared buffers', blocksOf(query.rates)],
    ['In the server', serverTimeOf(query.rates)],
    ['Waiting for a connection', `p50 ${formatDuration(query.wait.p50)}, p95 ${formatDuration(query.wait.p95)}`],
  ];
  const list = facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeXml(value)}</dd>`).join('');
  return `<details><summary><span class="${tone}">${sign}</span> ${escapeXml(query.name)} <span class="quiet">${escapeXml(query.asks)}</span></summary><dl>${list}</dl>${plans
    .filter((plan) => plan.query === query.name)
    .map(planOf)
    .join('')}</details>`;
}

/** Each way that the query goes, the turns that lead there, and what stands in the way of its index. */
function planOf(plan: PlanRecord): string {
  const { variants, verdict } = plan;
  const missed = verdict === 'pass' ? '' : `<p class="bad">✗ It ${escapeXml(describeMissed(plan))}</p>`;
  const trees = variants.map((variant) => {
    const turns = variants.length === 1 ? '' : ` for ${counted(variant.turns.length, 'set')} of values`;
    const name = `Plan ${variant.hash}${turns}`;
    return `<p class="quiet">${escapeXml(name)}</p><pre tabindex="0" role="region" aria-label="${escapeXml(name)}">${escapeXml(renderPlan(variant).join('\n'))}</pre>`;
  });
  return `${missed}${trees.join('')}`;
}

function serverTimeOf({ serverMs, runs }: QueryResult['rates']): string {
  return serverMs === null
    ? 'n/a: pg_stat_statements did not count it'
    : `${formatDuration(serverMs)} on average of ${counted(runs, 'run')}, without parsing and planning`;
}

function blocksOf({ cacheHitRate, blocks, runs, source }: QueryResult['rates']): string {
  const from = source === 'plan' ? 'of its plans alone' : `of ${counted(runs, 'run')}`;
  return `${percent(cacheHitRate)} of ${formatCount(blocks)}, ${from}`;
}

/** What was read without the help of an index, and what no query used: told, not judged. */
function access({ access: found }: Point): string {
  if (found === null) return '';
  const scans = found.tableScans.map((scan) => `<li>${escapeXml(tableScan(scan))}</li>`);
  const unused = found.unusedIndexes.filter(({ unique }) => !unique);
  const names = unused.map(
    ({ name, table, bytes }) => `<li>${escapeXml(`${name} on ${table}, ${formatBytes(bytes)}`)}</li>`,
  );
  return [
    scans.length === 0 ? '' : `<h3>Large tables read whole</h3><ul>${scans.join('')}</ul>`,
    names.length === 0 ? '' : `<h3>Indexes that no query used</h3><ul>${names.join('')}</ul>`,
  ].join('');
}

function resources({ rates, counters, connections, classes, throughput }: Point): string {
  const row = (name: string, picture: string, value: string, target: string, verdict?: Point['verdict']) => {
    const { sign, word, tone } = verdict ? mark(verdict) : { sign: '', word: 'not judged', tone: 'quiet' };
    return `<tr><th scope="row">${name}</th><td class="share">${picture}</td><td class="number">${value}</td><td class="number">${target}</td><td class="word"><span class="${tone}">${sign} ${word}</span></td></tr>`;
  };
  const rows = [
    ...rates.map(({ name, value, target, verdict }) =>
      row(
        RATE_WORDS[name],
        shareStrip(value, target, `${RATE_WORDS[name]} ${percent(value)}, target at least ${percent(target)}`),
        percent(value),
        `≥ ${percent(target)}`,
        verdict,
      ),
    ),
    row('index usage', '', percent(counters.indexUsage), 'of all scans'),
    ...classes.flatMap(({ class: name, rates: own }) =>
      own === null
        ? []
        : [
            row(
              `${CLASS_WORDS[name]} alone`,
              '',
              `${percent(own.cacheHitRate)}<small>index ${percent(own.indexHitRate)}</small>`,
              'of all blocks',
            ),
          ],
    ),
    ...connections.map(({ pool, sessions, slots, utilisation, target, verdict }) =>
      row(
        `connections, pool of ${pool}`,
        shareStrip(utilisation, target, `${sessions} of ${slots} connections, target below ${percent(target)}`),
        `${percent(utilisation)}<small>${sessions} of ${slots}</small>`,
        `&lt; ${percent(target)}`,
        verdict,
      ),
    ),
  ];
  const answers = throughput.map((each) =>
    row(`answers, ${CLASS_WORDS[each.class].toLowerCase()}`, '', rate(each.perSecond), ''),
  );
  const scans = Object.entries(counters.scansOfIndex).map(
    ([index, count]) =>
      `<tr><th scope="row"><code>${escapeXml(index)}</code></th><td class="number">${formatCount(count)}</td></tr>`,
  );
  return `<h3>Hit rates, connections, throughput</h3>
<table class="resources"><tbody>${[...rows, ...answers].join('')}</tbody></table>
<p class="quiet">${formatCount(counters.blocks)} blocks asked for during the timed runs.</p>
<details><summary>Scans of each index</summary><table><tbody>${scans.join('')}</tbody></table></details>`;
}
