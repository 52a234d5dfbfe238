import type { PolicyResult, PrunePlan, PruneResult, TaskResult } from '../backup/index.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { renderMade } from './backup-text.ts';
import type { Style } from './output.ts';

/** What `structdb backup` did: one entry for each kind and store. */
export function renderDue(result: PolicyResult, style: Style): string {
  const lines = result.tasks.map((task) => renderTask(task, style)).filter((text) => text !== '');
  for (const label of result.pruned?.removed ?? []) lines.push(`${style.dim('·')} ${label} was removed`);
  const segments = result.pruned?.removedSegments ?? 0;
  if (segments > 0) lines.push(`${style.dim('·')} ${formatCount(segments)} segments of WAL were removed`);
  return lines.join('\n');
}

function renderTask(task: TaskResult, style: Style): string {
  const { kind, store, made, satisfiedBy, error } = task;
  if (made) return renderMade(made, style);
  if (error) return `${style.red('✗')} No ${kind} in ${store}: ${error.message}`;
  if (satisfiedBy === null) return '';
  return `${style.green('✓')} Nothing is due: ${satisfiedBy} is the ${nameOf(task)} of the current ${periodOf(task)}.`;
}

function nameOf({ tiers, kind }: TaskResult): string {
  const [first] = tiers;
  return kind === 'dump' ? `${first} backup` : `${first} ${kind} backup`;
}

function periodOf({ tiers: [first] }: TaskResult): string {
  return first === 'weekly' ? 'week' : first === 'monthly' ? 'month' : 'day';
}

export function renderCheck(result: PolicyResult, style: Style): string {
  return result.tasks
    .map(({ kind, store, due, satisfiedBy }) =>
      due.length > 0
        ? `${style.yellow('!')} ${kind} in ${store}: ${due.join(' and ')} due`
        : `${style.green('✓')} ${kind} in ${store}: ${satisfiedBy}`,
    )
    .join('\n');
}

/** A line for each backup and range of WAL: what becomes of it, how large it is, and why. */
export function renderPlan(plan: PrunePlan, style: Style): string {
  const rows = [
    ...plan.backups.map(({ keep, label, store, sizeBytes, reason }) => ({
      keep,
      what: label,
      store,
      sizeBytes,
      reason,
    })),
    ...plan.wal.map(({ keep, first, last, segments, store, sizeBytes, reason }) => ({
      keep,
      what: `WAL ${first}${segments > 1 ? ` to ${last}` : ''}`,
      store,
      sizeBytes,
      reason,
    })),
  ];
  if (rows.length === 0) return 'There is nothing to keep or to remove yet.';
  const width = (of: (row: (typeof rows)[number]) => string) => Math.max(...rows.map((row) => of(row).length));
  const size = (row: (typeof rows)[number]) => (row.sizeBytes === null ? '?' : formatBytes(row.sizeBytes));
  const widths = { what: width((row) => row.what), store: width((row) => row.store), size: width(size) };
  const lines = rows.map((row) => {
    const verb = row.keep ? style.dim('keep  ') : style.yellow('remove');
    return `${verb}  ${row.what.padEnd(widths.what)}  ${row.store.padEnd(widths.store)}  ${size(row).padStart(widths.size)}  ${row.reason}`;
  });
  return [...lines, `${isEmpty(plan) ? 'Nothing would be removed' : `To remove: ${sumUp(plan)}`}.`].join('\n');
}

export function renderPruned(result: PruneResult, style: Style): string {
  const lines = result.removed.map((label) => `${style.dim('·')} ${label} was removed`);
  if (result.removedSegments > 0) {
    lines.push(`${style.dim('·')} ${formatCount(result.removedSegments)} segments of WAL were removed`);
  }
  for (const label of result.removedLeftovers)
    lines.push(`${style.dim('·')} what a killed run left of ${label} was removed`);
  for (const what of result.leftAlone) lines.push(`${style.yellow('!')} left as they are: ${what}`);
  const kept = result.backups.filter(({ label }) => !result.removed.includes(label)).length;
  const freed = result.freedBytes > 0 ? `; ${formatBytes(result.freedBytes)} are free again` : '';
  lines.push(
    lines.length === 0
      ? `${style.green('✓')} Nothing to remove: ${formatCount(kept)} backups are kept.`
      : `${style.green('✓')} ${formatCount(kept)} backups are kept${freed}.`,
  );
  return lines.join('\n');
}

/** `2 backups (1.5 MiB) and 40 segments of WAL (96.0 MiB)` */
export function sumUp(plan: PrunePlan): string {
  const backups = plan.backups.filter(({ keep }) => !keep);
  const wal = plan.wal.filter(({ keep }) => !keep);
  const bytes = (rows: readonly { readonly sizeBytes: number | null }[]) =>
    formatBytes(rows.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0));
  const segments = wal.reduce((sum, range) => sum + range.segments, 0);
  const parts = [
    ...(backups.length > 0
      ? [`${backups.length} ${backups.length === 1 ? 'backup' : 'backups'} (${bytes(backups)})`]
      : []),
    ...(wal.length > 0 ? [`${segments} segments of WAL (${bytes(wal)})`] : []),
  ];
  return parts.join(' and ');
}

function isEmpty(plan: PrunePlan): boolean {
  return [...plan.backups, ...plan.wal].every(({ keep }) => keep);
}
