import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { BaseDrillResult, DrillResult, DumpDrillResult, PastDrill, ScenariosResult } from '../drill/index.ts';
import type { Style } from './output.ts';

export function renderDrill(result: DrillResult, style: Style): string {
  return result.kind === 'dump' ? renderDump(result, style) : renderBase(result, style);
}

function renderDump(result: DumpDrillResult, style: Style): string {
  const { rto, ageOfData, rate, checks, rpo } = result;
  const { phases } = rto;
  const mark = (ok: boolean) => (ok ? style.green('✓') : style.red('✗'));
  const failed = checks.filter(({ ok }) => !ok);
  const lines = [
    `${mark(result.verdict.ok)} ${result.label}`,
    `    ${formatCount(result.rows)} rows of ${result.tables} tables, restored on PostgreSQL ${result.server.scratchMajor}`,
    ...result.passedOver.map(({ label, reason }) => `${mark(false)} ${label} was passed over: ${reason}`),
    `${mark(rto.met)} RTO ${formatDuration(rto.measuredMs)} to the first accepted write; the objective is ${formatDuration(rto.objectiveMs)}`,
    `    select ${formatDuration(phases.selectMs)} · server ${formatDuration(phases.serverMs)} · fetch ${formatDuration(phases.fetchMs)} · load ${formatDuration(phases.loadMs)} · settings ${formatDuration(phases.settingsMs)} · first write ${formatDuration(phases.firstWriteMs)}`,
    `    ${formatBytes(rate.bytesPerSecond)} of dump a second: the objective covers about ${formatBytes(rate.coveredBytes)}; this one has ${formatBytes(rate.sizeBytes)}`,
    `${ageOfData.judged ? mark(ageOfData.withinLimit) : style.dim('·')} data ${formatDuration(ageOfData.ms)} old; the tier promises a backup every ${formatDuration(ageOfData.intervalMs)}`,
    `${rpo.required ? mark(false) : style.yellow('!')} RPO ${rpo.message}; the objective is ${formatDuration(rpo.objectiveMs)}`,
    `${mark(failed.length === 0)} ${checks.length - failed.length} of ${checks.length} checks in ${formatDuration(result.checksMs)}`,
    ...checks.map(({ name, ok, message }) => `    ${mark(ok)} ${name}: ${message}`),
    `    evidence ${result.evidence}`,
  ];
  return lines.join('\n');
}

function renderBase(result: BaseDrillResult, style: Style): string {
  const { rto, rpo, rate, replay, checks, target, unchecked } = result;
  const mark = (ok: boolean) => (ok ? style.green('✓') : style.red('✗'));
  const phases = Object.entries(rto.phases).map(
    ([key, ms]) => `${key.replace(/Ms$/, '').replace('W', ' w')} ${formatDuration(ms)}`,
  );
  const pace =
    rate.replayBytesPerSecond === null ? '' : `, ${formatBytes(rate.replayBytesPerSecond)} of WAL a second replayed`;
  const failed = checks.filter(({ ok }) => !ok);
  return [
    `${mark(result.verdict.ok)} ${result.chain.join(' + ')}`,
    `    ${formatBytes(rate.sizeBytes)} and ${formatBytes(replay.walBytes)} of WAL up to ${replay.toLsn}, on PostgreSQL ${result.server.scratchMajor}`,
    ...(target.kind === 'random'
      ? [
          `    to ${target.at}, an instant of the recovery window; the same again: --random-instant --seed ${target.seed}`,
        ]
      : []),
    ...result.passedOver.map(({ label, reason }) => `${mark(false)} ${label} was passed over: ${reason}`),
    `${mark(rto.met)} RTO ${formatDuration(rto.measuredMs)} to the first accepted write; the objective is ${formatDuration(rto.objectiveMs)}`,
    `    ${phases.join(' · ')}`,
    `    ${formatBytes(rate.bytesPerSecond)} of data a second restored${pace}: the objective covers about ${formatBytes(rate.coveredBytes)}; this one has ${formatBytes(rate.sizeBytes)}`,
    `${rpo.judged ? mark(rpo.met) : style.dim('·')} RPO ${rpo.message}; the objective is ${formatDuration(rpo.objectiveMs)}`,
    `${mark(failed.length === 0)} ${checks.length - failed.length} of ${checks.length} checks in ${formatDuration(result.checksMs)}`,
    ...checks.map(({ name, ok, message }) => `    ${mark(ok)} ${name}: ${message}`),
    ...unchecked.map((line) => `    ${style.dim('·')} not checked: ${line}`),
    `    evidence ${result.evidence}`,
  ].join('\n');
}

/** The trend: one line per drill, oldest first. */
export function renderHistory(drills: readonly PastDrill[], location: string, style: Style): string {
  if (drills.length === 0) return `No drill has left evidence in ${location} yet: structdb dr-test`;
  const rows = drills.map((drill) => [
    drill.at.slice(0, 16).replace('T', ' '),
    drill.kind,
    drill.rtoMs === null ? '-' : formatDuration(drill.rtoMs),
    drill.rpoMs === null ? '-' : drill.rpoMs === 0 ? '0' : formatDuration(drill.rpoMs),
    drill.bytesPerSecond === null ? '-' : `${formatBytes(drill.bytesPerSecond)}/s`,
    `${drill.checks.good}/${drill.checks.all}`,
    drill.label,
    drill.code ?? '',
  ]);
  const head = ['UTC', 'kind', 'RTO', 'RPO', 'restored', 'checks', 'backup', ''];
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [
    style.dim(`  ${line(head)}`),
    ...rows.map((row, index) => `${drills[index]!.ok ? style.green('✓') : style.red('✗')} ${line(row)}`),
  ].join('\n');
}

/** Each scenario with what it lost, its RTO by phase, and what the recovery said. */
export function renderScenarios({ scenarios, server, evidence }: ScenariosResult, style: Style): string {
  const lines = scenarios.flatMap(({ name, title, played, ok, message, deviations, losses, rto, said }) => {
    if (!played) return [`${style.yellow('·')} ${name}: ${title}`, `    ${message}`];
    const phases = Object.entries(rto.phases).map(([phase, ms]) => `${phase} ${formatDuration(ms)}`);
    return [
      `${ok ? style.green('✓') : style.red('✗')} ${name}: ${title}`,
      ...(ok ? [`    ${message}`] : deviations.map((deviation) => `    ${style.red(deviation)}`)),
      `    ${formatCount(losses.recovered)} of ${formatCount(losses.acknowledged)} acknowledged rows are there · RTO ${formatDuration(rto.measuredMs)}: ${phases.join(' · ')}`,
      ...said.map((line) => `    it said: ${line}`),
    ];
  });
  const played = scenarios.filter((scenario) => scenario.played);
  const good = played.filter(({ ok }) => ok).length;
  return [
    ...lines,
    `${good === played.length ? style.green('✓') : style.red('✗')} ${good} of ${played.length} recovered as promised, on PostgreSQL ${server}`,
    `    evidence ${evidence}`,
  ].join('\n');
}
