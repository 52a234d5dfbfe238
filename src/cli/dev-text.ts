import { formatBytes, formatCount } from '../core/units.ts';
import type { ResetPlan, ResetResult, StartResult, StatusResult, WalStatus } from '../devdb/index.ts';
import type { Style } from './output.ts';

const STARTED: Readonly<Record<StartResult['state'], string>> = {
  created: 'A new private server runs',
  started: 'The private server runs',
  recovered: 'The private server had been killed; it runs again',
  running: 'The private server runs already',
};

export function renderStart(result: StartResult, style: Style): string {
  const lines = [
    `${style.green('✓')} ${STARTED[result.state]}: PostgreSQL ${result.version}${result.embedded ? ' (embedded)' : ''}`,
    ...table([
      ['url', result.url],
      ['password', result.passwordFile],
      ['socket', result.socketDirectory],
      ['data', result.dataDirectory],
      ['store', result.storeDirectory],
    ]),
  ];
  if (result.embedded) {
    lines.push(`${style.yellow('!')} npm's embedded server has no pg_dump: install PostgreSQL for backups.`);
  }
  return lines.join('\n');
}

const STATES: Readonly<Record<StatusResult['state'], string>> = {
  none: 'There is no private server here. Make one: structdb dev start',
  stopped: 'The private server is stopped. Start it: structdb dev start',
  running: 'The private server runs',
  unreachable: 'The private server runs but does not answer: it recovers, or see its log. To end it: structdb dev stop',
  crashed: 'The private server was killed. Start it again: structdb dev start',
  copied: 'The private server was copied from another checkout. Remove the copy: structdb dev reset',
};

export function renderStatus(result: StatusResult, style: Style): string {
  const mark = result.state === 'running' ? style.green('✓') : style.yellow('!');
  const version = result.version ? `PostgreSQL ${result.version}${result.embedded ? ' (embedded)' : ''}` : '';
  const rows: [string, string][] = [];
  if (result.state !== 'none') rows.push(['server', version]);
  if (result.url) rows.push(['url', result.url]);
  if (result.startedAt) rows.push(['since', result.startedAt]);
  if (result.socketDirectory) rows.push(['socket', result.socketDirectory]);
  if (result.state !== 'none') rows.push(['data', result.dataDirectory]);
  if (result.databaseBytes !== null) rows.push(['size', formatBytes(result.databaseBytes)]);
  if (result.backups > 0 || result.wal) rows.push(['store', result.storeDirectory]);
  if (result.wal) rows.push(['wal', renderWal(result.wal)]);
  if (result.backups > 0) rows.push(['backups', formatCount(result.backups)]);
  const lines = [`${mark} ${STATES[result.state]}`, ...table(rows)];
  if (result.wal?.lastFailed) {
    lines.push(`${style.yellow('!')} Archiving fails at ${result.wal.lastFailed}; see ${result.directory}/server.log`);
  }
  return lines.join('\n');
}

function renderWal(wal: WalStatus): string {
  const size = `${plural(wal.segments, 'segment')}, ${formatBytes(wal.sizeBytes)}`;
  return wal.limitBytes === null
    ? `${size}; kept for the base backups`
    : `${size}; beyond ${formatBytes(wal.limitBytes)} the oldest are trimmed, since there is no base backup`;
}

/** What a reset destroys, a line each. */
export function resetLosses(plan: ResetPlan): string[] {
  const lines: string[] = [];
  if (plan.cluster) lines.push(`the cluster ${plan.cluster} with all its databases`);
  if (plan.walSegments > 0) {
    lines.push(`${plural(plan.walSegments, 'archived WAL segment')} (${formatBytes(plan.walBytes)})`);
  }
  if (plan.backupsRemoved > 0) lines.push(plural(plan.backupsRemoved, 'backup'));
  return lines;
}

export function renderReset(result: ResetResult, style: Style): string {
  if (!result.removed) return `${style.green('✓')} There is no private server here: nothing to reset.`;
  const kept = result.backupsKept > 0 ? `; kept: ${plural(result.backupsKept, 'backup')}` : '';
  return `${style.green('✓')} Removed ${resetLosses(result).join(', ') || 'what was left of a private server'}${kept}.`;
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
