import type { CheckResult, PromiseState, PromiseVerdict } from '../monitor/index.ts';
import type { Style } from './output.ts';

const MARK: Readonly<Record<PromiseState, (style: Style) => string>> = {
  broken: (style) => style.red('✗'),
  unknown: (style) => style.yellow('?'),
  kept: (style) => style.green('✓'),
  none: (style) => style.dim('·'),
};

/** A line for each promise, with what mends it below; at the end how many are how. */
export function renderPromises({ promises }: CheckResult, style: Style): string {
  const lines = promises.flatMap(({ id, state, message, details, fix, runbook }) => {
    const bad = state === 'broken' || state === 'unknown';
    return [
      `${MARK[state](style)} ${message} ${style.dim(id)}`,
      ...(bad ? details.map((detail) => `    ${detail}`) : []),
      ...(bad && fix !== null ? [`    ${style.cyan('→')} ${fix}`] : []),
      ...(bad && runbook !== null ? [style.dim(`      docs/${runbook}`)] : []),
    ];
  });
  return [...lines, summary(promises)].join('\n');
}

function summary(promises: readonly PromiseVerdict[]): string {
  const parts = (['kept', 'broken', 'unknown', 'none'] as const).flatMap((state) => {
    const count = promises.filter((each) => each.state === state).length;
    return count > 0 || state === 'kept' || state === 'broken' ? [`${count} ${state}`] : [];
  });
  return parts.join(', ');
}

/** Exit codes of plugins (monitoring-plugins.org, development guidelines). */
const NAGIOS = Object.freeze({ OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 });

interface NagiosOutcome {
  readonly line: string;
  readonly exitCode: number;
}

/** Slower or fuller than promised, and nothing is lost by it: a warning. Everything else is critical. */
const ONLY_WARNINGS = /^(bench\.targets|connections|index\.hit-rate|cache\.hit-rate)( |$)/;

/** `STRUCTDB CRITICAL - 2 of 18 promises do not hold: … | 'drill.fresh'=432000s;;691200 …` */
export function nagiosLine({ promises }: CheckResult): NagiosOutcome {
  const bad = promises.filter(({ state }) => state === 'broken' || state === 'unknown');
  const level = levelOf(bad);
  const judged = promises.filter(({ state }) => state !== 'none').length;
  const told =
    bad.length === 0
      ? `${judged} promises are kept`
      : `${bad.length} of ${judged} promises do not hold: ${whatIsWrong(bad).join(' ')}`;
  const figures = promises.flatMap(perfdata).join(' ');
  return {
    line: `STRUCTDB ${level} - ${oneLine(told)}${figures === '' ? '' : ` | ${figures}`}`,
    exitCode: NAGIOS[level],
  };
}

/** Of what nobody could look at, the first reason: a server that is down is the reason of many. */
function whatIsWrong(bad: readonly PromiseVerdict[]): string[] {
  const unseen = bad.filter(({ state }) => state === 'unknown');
  const others = unseen.slice(1).map(({ id }) => id);
  return [
    ...bad.filter(({ state }) => state === 'broken').map(({ message }) => message),
    ...unseen.slice(0, 1).map(({ message }) => message),
    ...(others.length > 0 ? [`Unknown too: ${others.join(', ')}.`] : []),
  ];
}

/** What kept the check from being made. */
export function nagiosFailure(message: string): NagiosOutcome {
  return { line: `STRUCTDB UNKNOWN - ${oneLine(message)}`, exitCode: NAGIOS.UNKNOWN };
}

function levelOf(bad: readonly PromiseVerdict[]): keyof typeof NAGIOS {
  const broken = bad.filter(({ state }) => state === 'broken');
  if (broken.some(({ id }) => !ONLY_WARNINGS.test(id))) return 'CRITICAL';
  if (broken.length > 0) return 'WARNING';
  return bad.length > 0 ? 'UNKNOWN' : 'OK';
}

/** These may not fall below their limit; the others may not exceed it. A young archive is no fault: it has no limit. */
const AT_LEAST = /^(disk\.|index\.hit-rate|cache\.hit-rate)/;
const WITHOUT_LIMIT = /^recovery\.window$/;

const UNITS = { s: 's', ratio: '%', bytes: 'B', count: '' } as const;

/** `'disk.store-local'=53687091200B;;10737418240:` */
function perfdata({ id, measured }: PromiseVerdict): string[] {
  if (measured === null) return [];
  const { unit, value, limit } = measured;
  const shown = (number: number) => (unit === 'ratio' ? Number((number * 100).toFixed(2)) : number);
  const bound = limit === null || WITHOUT_LIMIT.test(id) ? '' : `${shown(limit)}${AT_LEAST.test(id) ? ':' : ''}`;
  const [warning, critical] = ONLY_WARNINGS.test(id) ? [bound, ''] : ['', bound];
  const limits = `;${warning};${critical}`.replace(/;+$/, '');
  return [`'${id.replaceAll("'", "''").replaceAll('=', '-')}'=${shown(value)}${UNITS[unit]}${limits}`];
}

/** A bar begins the performance data, a line feed other output. */
function oneLine(text: string): string {
  return text.replaceAll('|', '/').replaceAll(/\s+/g, ' ').trim();
}
