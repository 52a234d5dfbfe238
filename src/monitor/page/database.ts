import type { Objectives } from '../../config/schema.ts';
import { formatCount, formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { type LiveSample, type LiveState, silenceOf } from '../live.ts';
import { type Mark, signOf, time, withTimes } from './markup.ts';
import { chartPanels } from './panels.ts';
import { queryPanel } from './queries.ts';
import { percent, perSecond } from './words.ts';

/** How many of the samples are told as numbers. */
const TOLD_SAMPLES = 10;

export interface DatabaseSection {
  readonly database: LiveState;
  /** Names the section in links. */
  readonly id: string;
  readonly objectives: Objectives;
  readonly now: Date;
}

/** What is known of one database: whether it answers, what could not be read, and its five panels. */
export function databaseSection({ database, id, objectives, now }: DatabaseSection): string {
  const problems = database.problems.map((line) => `<li>${withTimes(line, now)}</li>`).join('');
  return `<section class="database" id="${id}" aria-labelledby="${id}-name">
<h2 id="${id}-name">${escapeXml(database.name)}</h2>
<p class="facts">${factsOf(database, now)}</p>
${problems === '' ? '' : `<ul class="notes ${database.up ? 'open' : 'bad'}">${problems}</ul>`}
${isBlank(database) ? blank(database) : `<div class="panels">${chartPanels(database, objectives, now)}${queryPanel(database, id)}</div>${sampleTable(database, id)}`}
</section>`;
}

function isBlank({ history, slowQueries }: LiveState): boolean {
  return history.length === 0 && slowQueries.length === 0;
}

function blank({ up }: LiveState): string {
  return `<p class="empty">${up ? 'No sample yet: the first one comes within seconds.' : 'Nothing was read from it so far.'}</p>`;
}

/** The way to each of several databases, with whether it answers. */
export function databaseLinks(sections: readonly DatabaseSection[]): string {
  const items = sections.map(({ database, id }) => {
    const mark = markOf(database);
    return `<li><a href="#${id}">${signOf(mark)} ${escapeXml(database.name)}${database.up ? '' : ` <span class="bad">${mark.word}</span>`}</a></li>`;
  });
  return `<nav aria-label="Databases"><ul>${items.join('')}</ul></nav>`;
}

function markOf(database: LiveState): Mark {
  return database.up
    ? { sign: '✓', word: 'answers', tone: 'good' }
    : { sign: '✗', word: silenceOf(database), tone: 'bad' };
}

function factsOf(database: LiveState, now: Date): string {
  const { up, serverVersion, startedAt, inRecovery } = database;
  const mark = markOf(database);
  return [
    `<span class="${mark.tone} word">${signOf(mark)} ${mark.word}</span>`,
    ...(serverVersion === null ? [] : [`PostgreSQL ${escapeXml(serverVersion)}`]),
    ...(inRecovery === null ? [] : [inRecovery ? 'standby, in recovery' : 'primary']),
    ...(startedAt === null || !up
      ? []
      : [`running for ${formatDuration(Math.max(0, now.getTime() - startedAt.getTime()))}, since ${time(startedAt)}`]),
  ].join(' · ');
}

/** The pictures as numbers: for those who do not see them, and for a report. */
function sampleTable({ history, name }: LiveState, id: string): string {
  if (history.length === 0) return '';
  const step = Math.max(1, Math.ceil(history.length / TOLD_SAMPLES));
  const told = history.filter((_, place) => (history.length - 1 - place) % step === 0).reverse();
  const heads = ['time', 'index hits', 'cache hits', 'connections', 'committed', 'rolled back'].map(
    (column, place) => `<th scope="col"${place === 0 ? '' : ' class="number"'}>${column}</th>`,
  );
  return `<details class="samples" id="${id}-samples"><summary id="${id}-samples-summary">The pictures as numbers</summary><div class="scroll" role="region" tabindex="0" id="${id}-scroll" aria-label="Samples of ${escapeXml(name)}"><table><caption class="hidden">${formatCount(told.length)} of ${formatCount(history.length)} samples of ${escapeXml(name)}, the newest first</caption><thead><tr>${heads.join('')}</tr></thead><tbody>${told.map(sampleRow).join('')}</tbody></table></div></details>`;
}

function sampleRow(sample: LiveSample): string {
  const { used, max } = sample.connections;
  const cells = [
    told(sample.indexHitRatio, percent),
    told(sample.cacheHitRatio, percent),
    `${formatCount(used)} of ${formatCount(max)}`,
    told(sample.commitsPerSecond, perSecond),
    told(sample.rollbacksPerSecond, perSecond),
  ];
  return `<tr><th scope="row">${time(sample.at)}</th>${cells.map((cell) => `<td class="number">${cell}</td>`).join('')}</tr>`;
}

function told(value: number | null, spell: (value: number) => string): string {
  return value === null ? 'nothing read' : spell(value);
}
