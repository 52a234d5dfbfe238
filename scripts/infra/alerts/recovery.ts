import { m } from '../metric-name.ts';
import { type AlertGroup, DB_LABELS, series } from './alert.ts';

/** A segment of WAL, of the usual size: less than that waits on any idle server. */
const SEGMENT = 16 * 1024 * 1024;
/** Samples of a day, where there is one for each ten minutes. */
const DAY = 24 * 6;
const HOUR = 6;

const tier = 'tier="daily",kind="dump",store="local"';

export const recoveryAlerts: AlertGroup = {
  name: 'structdb-recovery',
  title: 'Backups, WAL and drills',
  alerts: [
    {
      name: 'StructdbBackupDue',
      severity: 'warning',
      expr: `${m('structdb_backup_due')} == 1`,
      for: '2h',
      says: {
        summary: 'The {{ $labels.tier }} backup is due for more than two hours.',
        description:
          'Its period has begun and has no backup yet. Make it, and see why the scheduler did not: structdb backup',
      },
      means:
        'The current day, week or month of a tier has no backup, two hours after its time: the scheduler did not run, or the backup failed.',
      look: '`.structdb/schedule.log` or `docker compose logs scheduler`; `structdb backup --check`',
      fix: '`structdb backup` makes whatever is due; `structdb schedule install` where nothing runs it',
      proof: {
        series: { [series('structdb_backup_due', 'tier="daily"')]: '0x10 1x150 0x10' },
        quiet: ['10m', '125m'],
        fires: {
          at: '135m',
          labels: { ...DB_LABELS, tier: 'daily' },
          summary: 'The daily backup is due for more than two hours.',
          description:
            'Its period has begun and has no backup yet. Make it, and see why the scheduler did not: structdb backup',
        },
        clears: '163m',
      },
    },
    {
      name: 'StructdbBackupOverdue',
      severity: 'critical',
      expr: `(time() - max by (job, instance, tier) (${m('structdb_backup_last_success_timestamp_seconds')})) > on (job, instance, tier) 1.25 * ${m('structdb_backup_interval_seconds')}`,
      for: '5m',
      says: {
        summary: 'The newest {{ $labels.tier }} backup is {{ $value | humanizeDuration }} old.',
        description: 'That is a quarter more than its tier allows. Make one now: structdb backup',
      },
      means:
        'The newest backup of a tier is older than its interval and a quarter: 30 hours for a daily one, 8 days 18 hours for a weekly one.',
      look: '`structdb backup list`; `.structdb/schedule.log` or `docker compose logs scheduler`; `structdb doctor`',
      fix: '`structdb backup`; where it fails, its message names the command that mends it',
      proof: {
        everyMinutes: 10,
        series: {
          [series('structdb_backup_last_success_timestamp_seconds', tier)]: `0x${32 * HOUR - 1} ${32 * 3600}x${HOUR}`,
          [series('structdb_backup_interval_seconds', 'tier="daily"')]: `86400x${33 * HOUR}`,
        },
        quiet: ['24h', '30h'],
        fires: {
          at: '31h',
          labels: { ...DB_LABELS, tier: 'daily' },
          summary: 'The newest daily backup is 1d 7h 0m 0s old.',
          description: 'That is a quarter more than its tier allows. Make one now: structdb backup',
        },
        clears: '32h',
      },
    },
    {
      name: 'StructdbBackupDamaged',
      severity: 'critical',
      expr: `${m('structdb_backup_last_verified')} == 0 and on (job, instance, tier, kind, store) ${m('structdb_backup_last_verify_timestamp_seconds')} >= on (job, instance, tier, kind, store) ${m('structdb_backup_last_success_timestamp_seconds')}`,
      for: '1m',
      says: {
        summary:
          'The newest {{ $labels.tier }} backup ({{ $labels.kind }}) in the store {{ $labels.store }} was found damaged.',
        description:
          'Make another one now, then look: structdb backup run --kind {{ $labels.kind }}; docs/runbooks/backup-corrupt.md.',
      },
      means: 'The newest backup of a tier was read again and is not what was stored. Older ones may still be whole.',
      look: '`structdb backup verify` names the object; `structdb backup list`',
      fix: '`structdb backup run` at once; then [the newest backup is damaged](runbooks/backup-corrupt.md)',
      proof: {
        series: {
          [series('structdb_backup_last_success_timestamp_seconds', tier)]: '0x20',
          [series('structdb_backup_last_verify_timestamp_seconds', tier)]: '60x20',
          [series('structdb_backup_last_verified', tier)]: '1x4 0x5 1x10',
        },
        quiet: ['4m', '5m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, tier: 'daily', kind: 'dump', store: 'local' },
          summary: 'The newest daily backup (dump) in the store local was found damaged.',
          description:
            'Make another one now, then look: structdb backup run --kind dump; docs/runbooks/backup-corrupt.md.',
        },
        clears: '11m',
      },
    },
    {
      name: 'StructdbDrillMissing',
      severity: 'warning',
      expr: `sum by (job, instance) (${m('structdb_backups')}) > 0 unless on (job, instance) ${m('structdb_drill_last_success_timestamp_seconds')}`,
      for: '25h',
      says: {
        summary: 'There are {{ $value }} backups of {{ $labels.instance }}, and no drill ever kept its promises.',
        description: 'Whether they restore, and how fast, is not proven. Run: structdb dr-test',
      },
      means: 'There have been backups for more than a day, and no drill that kept its promises is on record.',
      look: '`structdb dr-test history`',
      fix: '`structdb dr-test`; `structdb schedule install` runs one each Sunday',
      proof: {
        everyMinutes: 10,
        series: {
          [series('structdb_backups', 'kind="dump",store="local"')]: `0x${HOUR} 2x${40 * HOUR}`,
          [series('structdb_backups', 'kind="base",store="local"')]: `0x${HOUR} 1x${40 * HOUR}`,
          [series('structdb_drill_last_success_timestamp_seconds', 'kind="base"')]:
            `_x${28 * HOUR} ${28 * 3600}x${12 * HOUR}`,
        },
        quiet: ['1h', '25h'],
        fires: {
          at: '27h',
          labels: { ...DB_LABELS },
          summary: 'There are 3 backups of db:9187, and no drill ever kept its promises.',
          description: 'Whether they restore, and how fast, is not proven. Run: structdb dr-test',
        },
        clears: '29h',
      },
    },
    {
      name: 'StructdbDrillStale',
      severity: 'warning',
      expr: `(time() - max by (job, instance) (${m('structdb_drill_last_success_timestamp_seconds')})) > on (job, instance) ${m('structdb_objective_drill_interval_seconds')}`,
      for: '1h',
      says: {
        summary: 'No drill kept its promises for {{ $value | humanizeDuration }}.',
        description:
          'Whether the backups of {{ $labels.instance }} restore, and how fast, is not proven. Run: structdb dr-test',
      },
      means: 'The last drill that kept its promises is older than `objectives.drillInterval` (8 days).',
      look: '`structdb dr-test history`',
      fix: '`structdb dr-test`; `structdb schedule install` runs one each Sunday',
      proof: {
        everyMinutes: 10,
        series: {
          [series('structdb_drill_last_success_timestamp_seconds', 'kind="base"')]:
            `0x${8 * DAY + 3 * HOUR - 1} ${8 * 86400 + 10800}x${HOUR}`,
          [series('structdb_objective_drill_interval_seconds')]: `${8 * 86400}x${8 * DAY + 4 * HOUR}`,
        },
        quiet: ['8d', '8d30m'],
        fires: {
          at: '8d2h',
          labels: { ...DB_LABELS },
          summary: 'No drill kept its promises for 8d 2h 0m 0s.',
          description: 'Whether the backups of db:9187 restore, and how fast, is not proven. Run: structdb dr-test',
        },
        clears: '8d3h',
      },
    },
    {
      name: 'StructdbDrillFailed',
      severity: 'critical',
      expr: `${m('structdb_drill_last_ok')} == 0`,
      for: '1m',
      says: {
        summary: 'The last drill of a {{ $labels.kind }} backup broke a promise.',
        description:
          'What it found: structdb dr-test history. After mending it, run structdb dr-test --kind {{ $labels.kind }}.',
      },
      means:
        'The last drill could not restore, took longer than `objectives.rto`, lost more than `objectives.rpo`, or a check of what came back failed.',
      look: '`structdb dr-test history`, and the evidence that it names in the store',
      fix: 'by what it found: [a damaged backup](runbooks/backup-corrupt.md), [missing WAL](runbooks/wal-lost.md), [a full disk](runbooks/disk-full.md); then `structdb dr-test` again',
      proof: {
        series: { [series('structdb_drill_last_ok', 'kind="base"')]: '1x4 0x5 1x10' },
        quiet: ['4m', '5m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, kind: 'base' },
          summary: 'The last drill of a base backup broke a promise.',
          description: 'What it found: structdb dr-test history. After mending it, run structdb dr-test --kind base.',
        },
        clears: '11m',
      },
    },
    {
      name: 'StructdbRecoveryTimeNearLimit',
      severity: 'warning',
      expr: `${m('structdb_drill_last_rto_seconds')} / on (job, instance) group_left () ${m('structdb_objective_rto_seconds')} > 0.8`,
      for: '1m',
      says: {
        summary:
          'The last drill ({{ $labels.kind }}) took {{ $value | humanizePercentage }} of the recovery time that is promised.',
        description:
          'The database grows towards its limit. See which phase takes it: structdb dr-test history; docs/dr-test.md.',
      },
      means: 'Recovery still keeps `objectives.rto`, with less than a fifth to spare.',
      look: '`structdb dr-test` shows the phases and what size the objective would cover; `structdb dr-test history` the trend',
      fix: 'base backups more often (less WAL to replay), more `backup.compression.threads`, a store that is nearer; or another `objectives.rto`',
      proof: {
        series: {
          [series('structdb_drill_last_rto_seconds', 'kind="base"')]: '300x4 765x5 300x10',
          [series('structdb_objective_rto_seconds')]: '900x20',
        },
        quiet: ['4m', '5m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, kind: 'base' },
          summary: 'The last drill (base) took 85% of the recovery time that is promised.',
          description:
            'The database grows towards its limit. See which phase takes it: structdb dr-test history; docs/dr-test.md.',
        },
        clears: '11m',
      },
    },
    {
      name: 'StructdbWalArchiveFailing',
      severity: 'critical',
      expr: `increase(${m('pg_stat_archiver_failed_count')}[10m]) > 0`,
      for: '5m',
      says: {
        summary: 'The archive command of {{ $labels.instance }} fails.',
        description:
          "The server keeps its WAL until it is archived: pg_wal grows. See why: structdb wal status; the server's log.",
      },
      means:
        "PostgreSQL's `archive_command` fails again and again. Nothing is lost yet: the server keeps each segment and tries again, until its disk is full.",
      look: "`structdb wal status` (the last failure), the server's log (what `wal push` said), the free space of `pg_wal`",
      fix: 'by the code that `wal push` gives: [its messages](wal.md#messages); a store that is away: [runbook](runbooks/store-unreachable.md)',
      proof: {
        series: { [series('pg_stat_archiver_failed_count')]: '0x4 1+1x9 10x25' },
        quiet: ['4m', '8m'],
        fires: {
          at: '12m',
          labels: { ...DB_LABELS },
          summary: 'The archive command of db:9187 fails.',
          description:
            "The server keeps its WAL until it is archived: pg_wal grows. See why: structdb wal status; the server's log.",
        },
        clears: '30m',
      },
    },
    {
      name: 'StructdbWalArchiveBehind',
      severity: 'warning',
      expr: `${m('structdb_wal_backlog_segments')} > 8`,
      for: '10m',
      says: {
        summary: '{{ $value }} finished WAL segments of {{ $labels.instance }} wait for the archive.',
        description: 'A disaster now would take what they hold. See how archiving goes: structdb wal status',
      },
      means:
        'More than eight segments (128 MiB of the usual size) have waited for ten minutes: the server writes faster than the store takes, or archiving stands still.',
      look: '`structdb wal status`: what waits, and since when',
      fix: 'a faster or nearer store; `structdb wal receive` beside the archive command streams what is open; a store that is away: [runbook](runbooks/store-unreachable.md)',
      proof: {
        series: { [series('structdb_wal_backlog_segments')]: '0x4 20x14 0x10' },
        quiet: ['4m', '14m'],
        fires: {
          at: '16m',
          labels: { ...DB_LABELS },
          summary: '20 finished WAL segments of db:9187 wait for the archive.',
          description: 'A disaster now would take what they hold. See how archiving goes: structdb wal status',
        },
        clears: '21m',
      },
    },
    {
      name: 'StructdbRecoveryPointBehind',
      severity: 'critical',
      expr: `(time() - ${m('structdb_recovery_window_end_timestamp_seconds')}) > on (job, instance) ${m('structdb_objective_rpo_seconds')} and on (job, instance) ${m('structdb_wal_archive_lag_bytes')} > ${SEGMENT}`,
      for: '5m',
      says: {
        summary:
          'The newest instant that {{ $labels.instance }} can be brought back to is {{ $value | humanizeDuration }} ago.',
        description:
          'That is more than the loss that is promised, and WAL has been written since. See what is not archived: structdb wal status',
      },
      means:
        'A disaster now would lose more than `objectives.rpo` (5 minutes), and more than a segment of WAL was written since. An idle server, which has nothing to lose, does not fire it.',
      look: "`structdb wal status`; `archive_timeout` (60s), `archive_mode`, the archiver's last failure",
      fix: 'mend archiving (`structdb doctor`), or run `structdb wal receive`; then `structdb backup run --kind base` where there is a gap',
      proof: {
        series: {
          [series('structdb_recovery_window_end_timestamp_seconds')]: '0x15 960+60x10',
          [series('structdb_objective_rpo_seconds')]: '300x30',
          [series('structdb_wal_archive_lag_bytes')]: `${4 * SEGMENT}x30`,
        },
        quiet: ['5m', '10m'],
        fires: {
          at: '12m',
          labels: { ...DB_LABELS },
          summary: 'The newest instant that db:9187 can be brought back to is 12m 0s ago.',
          description:
            'That is more than the loss that is promised, and WAL has been written since. See what is not archived: structdb wal status',
        },
        clears: '18m',
      },
    },
    {
      name: 'StructdbWalMissing',
      severity: 'critical',
      expr: `${m('structdb_wal_missing_segments')} > 0`,
      for: '5m',
      says: {
        summary: '{{ $value }} WAL segments are missing in the archive of {{ $labels.instance }}.',
        description:
          'Replay from a kept base backup stops there. Make one behind the gap now: structdb backup run --kind base; docs/runbooks/wal-lost.md.',
      },
      means:
        'Replay of the recovery window meets a hole: no instant behind it can be reached from the base backups before it.',
      look: '`structdb wal status` names the segments and what can still be reached',
      fix: '`structdb backup run --kind base` at once; then [a WAL segment is missing](runbooks/wal-lost.md)',
      proof: {
        series: { [series('structdb_wal_missing_segments')]: '0x4 2x8 0x10' },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS },
          summary: '2 WAL segments are missing in the archive of db:9187.',
          description:
            'Replay from a kept base backup stops there. Make one behind the gap now: structdb backup run --kind base; docs/runbooks/wal-lost.md.',
        },
        clears: '15m',
      },
    },
    {
      name: 'StructdbRecoveryWindowShrinking',
      severity: 'critical',
      expr: `(time() - ${m('structdb_recovery_window_start_timestamp_seconds')}) < on (job, instance) ${m('structdb_recovery_window_objective_seconds')} and on (job, instance) changes(${m('structdb_recovery_window_start_timestamp_seconds')}[8d:1h]) > 0`,
      for: '15m',
      says: {
        summary:
          '{{ $labels.instance }} can be brought back only {{ $value | humanizeDuration }}; it was more, and more is promised.',
        description:
          'Backups or WAL that were needed are gone. See which: structdb wal status, structdb backup list; stop what deletes them.',
      },
      means:
        'The oldest instant that can be reached moved forward although it is younger than `backup.wal.recoveryWindow` (7 days): something deleted or damaged what retention keeps. A window that is still growing does not fire it.',
      look: "`structdb wal status`; `structdb backup list`; the bucket's lifecycle rules; who else has its keys",
      fix: 'stop what deletes; `structdb backup pin <label>` for what is left; `structdb backup run --kind base` starts a new window',
      proof: {
        everyMinutes: 10,
        series: {
          // A day old, then its only base backup is gone and a younger one remains; it clears when that reaches seven days.
          [series('structdb_recovery_window_start_timestamp_seconds')]: `0x${DAY} 80000x${8 * DAY}`,
          [series('structdb_recovery_window_objective_seconds')]: `604800x${9 * DAY}`,
        },
        quiet: ['23h', '24h20m'],
        fires: {
          at: '26h',
          labels: { ...DB_LABELS },
          summary: 'db:9187 can be brought back only 3h 46m 40s; it was more, and more is promised.',
          description:
            'Backups or WAL that were needed are gone. See which: structdb wal status, structdb backup list; stop what deletes them.',
        },
        clears: '8d',
      },
    },
    {
      name: 'StructdbDiskLow',
      severity: 'critical',
      expr: `${m('structdb_disk_free_bytes')} / ${m('structdb_disk_size_bytes')} < 0.1`,
      for: '5m',
      says: {
        summary: '{{ $labels.place }} has {{ $value | humanizePercentage }} of its disk left.',
        description: 'See what may go: structdb backup prune --dry-run; and what grows: structdb wal status',
      },
      means:
        'Less than a tenth of a disk that structdb can see (a directory store, the data directory where it is on the same machine) is free.',
      look: '`structdb backup prune --dry-run` (what nothing keeps), `structdb wal status` (what the server must keep), the log files',
      fix: '`structdb backup prune --yes`, or a larger disk; [the disk of the server, or of a store](runbooks/disk-full.md#the-disk-of-the-server-or-of-a-store)',
      proof: {
        series: {
          [series('structdb_disk_free_bytes', 'place="store local"')]: '50e9x4 5e9x8 50e9x10',
          [series('structdb_disk_size_bytes', 'place="store local"')]: '100e9x30',
        },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS, place: 'store local' },
          summary: 'store local has 5% of its disk left.',
          description: 'See what may go: structdb backup prune --dry-run; and what grows: structdb wal status',
        },
        clears: '15m',
      },
    },
    {
      name: 'StructdbDiskFilling',
      severity: 'warning',
      expr: `predict_linear(${m('structdb_disk_free_bytes')}[6h], 86400) < 0 and ${m('structdb_disk_free_bytes')} / ${m('structdb_disk_size_bytes')} < 0.4`,
      for: '1h',
      says: {
        summary: '{{ $labels.place }} will be full within a day.',
        description: 'By what it grew in six hours. See what grows: structdb wal status, structdb backup list',
      },
      means: 'As it grew in the last six hours, a disk is full within a day, and less than 40 % of it is free.',
      look: '`structdb wal status`: a slot nobody reads, or an archive that stands still, makes the server keep WAL; `structdb backup list`',
      fix: 'mend archiving; drop a slot that nobody will read again; `structdb backup prune --yes`: [the disk of the server, or of a store](runbooks/disk-full.md#the-disk-of-the-server-or-of-a-store)',
      proof: {
        series: {
          // Still, then 100 MB less a minute, then still.
          [series('structdb_disk_free_bytes', 'place="data directory"')]: '39e9x120 39e9-100e6x120 27e9x600',
          [series('structdb_disk_size_bytes', 'place="data directory"')]: '100e9x900',
        },
        quiet: ['2h'],
        fires: {
          at: '4h',
          labels: { ...DB_LABELS, place: 'data directory' },
          summary: 'data directory will be full within a day.',
          description: 'By what it grew in six hours. See what grows: structdb wal status, structdb backup list',
        },
        clears: '12h',
      },
    },
  ],
};
