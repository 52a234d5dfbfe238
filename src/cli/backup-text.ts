import type { BackupResult, ListedBackup, showBackup } from '../backup/index.ts';
import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { Style } from './output.ts';

type DumpManifest = Extract<Shown['manifest'], { kind: 'dump' }>;
type ClusterManifest = Exclude<Shown['manifest'], { kind: 'dump' }>;
type Shown = Awaited<ReturnType<typeof showBackup>>;

export function renderMade(made: BackupResult, style: Style): string {
  const lines = [
    `${style.green('✓')} ${made.label}`,
    `    ${formatBytes(made.sizeBytes)} · ${contentsOf(made)} · ${formatDuration(made.durationMs)} · read back and verified`,
    `    in ${made.store}${made.tiers.length > 0 ? ` · satisfies: ${made.tiers.join(', ')}` : ''}`,
  ];
  for (const label of made.removed) lines.push(`${style.dim('·')} ${label} was removed`);
  return lines.join('\n');
}

function contentsOf({ kind, parent, rows, tables, plainBytes }: BackupResult): string {
  if (kind === 'dump') return `${formatCount(rows ?? 0)} rows of ${tables} tables`;
  const cluster = `the cluster, ${formatBytes(plainBytes ?? 0)}`;
  return parent === null ? cluster : `changes since ${parent} of ${cluster}`;
}

export function renderList(backups: readonly ListedBackup[], location: string): string {
  if (backups.length === 0) return `${location} holds no backup. Make one: structdb backup run`;
  const rows = backups.map((backup) => [
    backup.label,
    backup.sizeBytes === null ? '?' : formatBytes(backup.sizeBytes),
    heldBy(backup),
    backup.tiers.join(',') || backup.purpose || '?',
    verdictOn(backup),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')).join('\n');
}

export function renderShow({ manifest, verification, pin }: Shown): string {
  const text = manifest.kind === 'dump' ? showDump(manifest, verification) : showCluster(manifest, verification);
  if (!pin) return text;
  const why = pin.reason === null ? '' : `: ${pin.reason}`;
  const [label, ...rest] = text.split('\n');
  return [label, `  pinned       ${pin.at}, by ${pin.by.user} on ${pin.by.host}${why}`, ...rest].join('\n');
}

function showCluster(manifest: ClusterManifest, verification: Shown['verification']): string {
  const { server } = manifest;
  const lines = [
    manifest.label,
    `  cluster      ${manifest.systemIdentifier}, ${formatBytes(manifest.plainBytes)}, databases ${manifest.databases.map(({ name }) => name).join(', ')}`,
    `  taken        ${manifest.startedAt} to ${manifest.stoppedAt} (${formatDuration(manifest.durationMs)}), LSN ${manifest.startLsn} to ${manifest.stopLsn} on timeline ${manifest.timeline}`,
    `  server       PostgreSQL ${server.version}${manifest.fromStandby ? ', a standby' : ''}; ${manifest.tools.compression}`,
    `  made by      structdb ${manifest.tools.structdb}, ${manifest.actor.user} on ${manifest.actor.host}, from ${manifest.source}`,
    `  counts for   ${manifest.tiers.join(', ') || 'no tier'} (made for: ${manifest.purpose})`,
    ...(manifest.parent === null ? [] : [`  changes of   ${manifest.parent}`]),
    `  tablespaces  ${manifest.tablespaces.map(({ name, location }) => `${name} in ${location}`).join(', ') || 'none of its own'}`,
    `  WAL inside   ${manifest.walSegments.first} to ${manifest.walSegments.last}`,
    ...manifest.configFiles.map(({ path, part }) => `  also         ${path} as ${part}`),
    ...manifest.warnings.map((warning) => `  warning      ${warning}`),
    `  verified     ${verification ? `${verification.at}, ${verification.ok ? 'whole' : 'BROKEN'}` : 'never'}`,
    '  parts',
    ...manifest.parts.map((part) => `    ${part.name}  ${formatBytes(part.sizeBytes)}  sha256 ${part.sha256}`),
  ];
  return lines.join('\n');
}

function showDump(manifest: DumpManifest, verification: Shown['verification']): string {
  const { database, globals } = manifest;
  const roles = globals.included ? (globals.passwords ? 'with passwords' : 'without passwords') : 'not included';
  const lines = [
    manifest.label,
    `  database     ${database.name}, owned by ${database.owner}, ${database.encoding} ${database.collate}`,
    `  taken        ${manifest.startedAt} to ${manifest.stoppedAt} (${formatDuration(manifest.durationMs)}), LSN ${manifest.startLsn}`,
    `  server       PostgreSQL ${manifest.server.version}, cluster ${manifest.systemIdentifier}; pg_dump ${manifest.tools.pgDump}`,
    `  made by      structdb ${manifest.tools.structdb}, ${manifest.actor.user} on ${manifest.actor.host}, from ${manifest.source}`,
    `  counts for   ${manifest.tiers.join(', ') || 'no tier'} (made for: ${manifest.purpose})`,
    `  roles        ${roles}${globals.reason ? ` (${globals.reason})` : ''}`,
    `  extensions   ${manifest.extensions.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
    `  verified     ${verification ? `${verification.at}, ${verification.ok ? 'whole' : 'BROKEN'}` : 'never'}`,
    '  parts',
    ...manifest.parts.map((part) => `    ${part.name}  ${formatBytes(part.sizeBytes)}  sha256 ${part.sha256}`),
    '  tables',
    ...manifest.tables.map((table) => `    ${table.schema}.${table.name}  ${formatCount(table.rows)} rows`),
  ];
  return lines.join('\n');
}

function heldBy({ kind, rows, parent, plainBytes }: ListedBackup): string {
  if (kind === 'dump') return rows === null ? '?' : `${formatCount(rows)} rows`;
  if (plainBytes === null) return '?';
  return parent === null ? `cluster of ${formatBytes(plainBytes)}` : `changes since ${parent}`;
}

function verdictOn(backup: ListedBackup): string {
  if (backup.problem) return backup.problem;
  const pinned = backup.pin ? ', pinned' : '';
  if (!backup.verification) return `not verified${pinned}`;
  return `${backup.verification.ok ? `verified ${backup.verification.at}` : 'BROKEN'}${pinned}`;
}
