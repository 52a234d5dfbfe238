import { formatCount } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { scrolling } from '../../report/page.ts';
import { counted } from '../point-name.ts';
import type { BenchResult, Point } from '../result.ts';
import { mark } from './markup.ts';
import { latencyScale, type Series, sweep } from './pictures.ts';
import { factor, type GrowthWords, growthWords, targetGroups } from './words.ts';

interface Sweep {
  readonly title: string;
  readonly sizeOf: (point: Point) => number;
  readonly sizeName: (size: number) => string;
  readonly fixedOf: (point: Point) => number;
  readonly fixedName: (fixed: number) => string;
}

const SWEEPS: readonly Sweep[] = [
  {
    title: 'Growth with the data: medians over projects',
    sizeOf: ({ data }) => data.projects,
    sizeName: shortCount,
    fixedOf: ({ clients }) => clients,
    fixedName: (clients) => counted(clients, 'client'),
  },
  {
    title: 'Growth with concurrency: medians over clients',
    sizeOf: ({ clients }) => clients,
    sizeName: (clients) => String(clients),
    fixedOf: ({ data }) => data.projects,
    fixedName: (projects) => `${shortCount(projects)} projects`,
  },
];

/** A picture per query and sweep; nothing where one size or one concurrency was measured. */
export function sweepSections({ points, growth }: BenchResult): string {
  const parts = [...SWEEPS.map((each) => pictures(points, each)), ...growthWords(growth).map(growthTable)].filter(
    (part) => part !== '',
  );
  return parts.length === 0 ? '' : `<section id="growth"><h2>Growth</h2>${parts.join('\n')}</section>`;
}

function growthTable({ title, measure, growths, along, note }: GrowthWords): string {
  const rows = growths.map((growth) => {
    const { name, ratio, exponent, target, verdict } = growth;
    const { sign, word, tone } = verdict === null ? { sign: '', word: 'not judged', tone: 'quiet' } : mark(verdict);
    return `<tr><th scope="row">${escapeXml(name)}</th><td>${along(growth)}</td><td class="number">${factor(ratio)}</td><td class="number">${factor(exponent, '')}</td><td class="number">${target === null ? '' : `≤ ${target.toFixed(2)} ×`}</td><td class="word"><span class="${tone}">${sign} ${word}</span></td></tr>`;
  });
  const heads = [measure, 'exponent', 'target'].map((head) => `<th scope="col" class="number">${head}</th>`).join('');
  const told = note === '' ? '' : `<p class="quiet">${note}</p>`;
  const name = `${title}: ${measure === 'slower' ? 'medians' : 'answers a second'}, with 95 % intervals`;
  const drawn = scrolling(
    name,
    `<table><caption>${name}</caption><thead><tr><th scope="col">${measure === 'slower' ? 'query' : 'class'}</th><th scope="col">from and to</th>${heads}<th scope="col">verdict</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
  return `${drawn}${told}`;
}

function pictures(points: readonly Point[], { title, sizeOf, sizeName, fixedOf, fixedName }: Sweep): string {
  const lines = [...Map.groupBy(points, fixedOf)].filter(([, along]) => new Set(along.map(sizeOf)).size > 1);
  const [first] = lines[0]?.[1] ?? [];
  if (first === undefined) return '';
  const seriesOf = (name: string): Series[] =>
    lines.map(([fixed, along]) => ({
      name: fixedName(fixed),
      steps: along
        .toSorted((a, b) => sizeOf(a) - sizeOf(b))
        .map((point) => {
          const query = point.queries.find((each) => each.name === name);
          return { size: sizeOf(point), p50: query?.p50 ?? null, p95: query?.p95 ?? null };
        }),
    }));
  const cards = targetGroups(first.queries).flatMap((group) => {
    const names = new Set(group.queries.map(({ name }) => name));
    const scale = latencyScale(points.flatMap(({ queries }) => queries.filter(({ name }) => names.has(name))));
    return group.queries.map(
      (query) =>
        `<figure><figcaption>${escapeXml(query.name)}</figcaption>${sweep(query, seriesOf(query.name), scale, sizeName)}</figure>`,
    );
  });
  const dashed = lines.length === 1 ? ' The thin dashed line is p95, the level dark one its target.' : '';
  return `<h3>${title}</h3><p class="quiet">Both axes are logarithmic: a straight line is a power, a level one no growth.${dashed}</p><div class="cards">${cards.join('\n')}</div>`;
}

/** `10k`, `1m`: sizes as --scale takes them. */
function shortCount(count: number): string {
  if (count >= 1_000_000 && count % 100_000 === 0) return `${count / 1_000_000}m`;
  return count >= 1000 && count % 100 === 0 ? `${count / 1000}k` : formatCount(count);
}
