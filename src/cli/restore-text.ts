import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { RestorePlanSummary, RestoreResult } from '../restore/index.ts';
import type { Style } from './output.ts';

export function renderPlan(plan: RestorePlanSummary): string {
  const { target, putsBack } = plan;
  const how = {
    create: `does not exist: it is created (${plan.encoding}, ${plan.locale})`,
    empty: 'exists and is empty: it is filled in one transaction',
    unfinished: 'holds the rows of this backup from a restore that was killed: it is compared and finished',
  }[target.state];
  return [
    `Would restore ${plan.label}`,
    `  holds      ${formatCount(plan.rows)} rows of ${plan.tables} tables (${formatBytes(plan.sizeBytes)}), as of ${plan.takenAt}`,
    `  from       ${plan.store}`,
    `  onto       PostgreSQL ${target.serverVersion} at ${target.server}`,
    `  database   "${target.database}" ${how}`,
    `  with       pg_restore ${plan.pgRestore}`,
    `  puts back  ${putsBack.length > 0 ? putsBack.join(', ') : 'nothing beyond the dump'}`,
    'Nothing was done.',
  ].join('\n');
}

export function renderRestored(result: RestoreResult, style: Style): string {
  const { phases } = result;
  const lines = [
    `${style.green('✓')} ${result.label} is restored into "${result.database}"${result.created ? ', which was created' : ''}`,
    `    ${formatCount(result.rows)} rows of ${result.tables.length} tables, each compared with the manifest · ${formatDuration(result.durationMs)}`,
    `    fetch ${formatDuration(phases.fetchMs)} · load ${formatDuration(phases.loadMs)} · compare ${formatDuration(phases.checkMs)} · settings ${formatDuration(phases.settingsMs)}`,
  ];
  if (result.leftOut.length > 0) {
    lines.push(`${style.yellow('!')} Left out:`, ...result.leftOut.map((line) => `    ${line}`));
  }
  return lines.join('\n');
}
