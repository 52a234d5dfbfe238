import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { DrillResult } from '../drill/index.ts';
import type { Style } from './output.ts';

export function renderDrill(result: DrillResult, style: Style): string {
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
