import { m } from '../metric-name.ts';
import { type AlertGroup, DB_LABELS, series } from './alert.ts';

export const schemaAlerts: AlertGroup = {
  name: 'structdb-schema',
  title: 'The schema',
  alerts: [
    {
      name: 'StructdbMigrationsEdited',
      severity: 'critical',
      expr: `${m('structdb_migrations', 'state=~"edited|missing file|out of order"')} > 0`,
      for: '5m',
      says: {
        summary: '{{ $value }} migrations of {{ $labels.datname }} are in the state "{{ $labels.state }}".',
        description:
          'The files are not those that built this database. See which: structdb migrate verify; then structdb migrate repair.',
      },
      means:
        "An applied migration's file was changed or is gone, or one that is older than the newest was not applied: the files no longer say what the database is.",
      look: '`structdb migrate status`, `structdb migrate verify`; the history of `migrations/` in version control',
      fix: 'bring the file back; or, where the change is harmless and meant, [`structdb migrate repair`](migrate.md)',
      proof: {
        series: { [series('structdb_migrations', 'datname="app",state="edited"')]: '0x4 1x8 0x10' },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS, datname: 'app', state: 'edited' },
          summary: '1 migrations of app are in the state "edited".',
          description:
            'The files are not those that built this database. See which: structdb migrate verify; then structdb migrate repair.',
        },
        clears: '15m',
      },
    },
    {
      name: 'StructdbMigrationsPending',
      severity: 'info',
      expr: `${m('structdb_migrations', 'state="pending"')} > 0`,
      for: '1h',
      says: {
        summary: '{{ $value }} migrations of {{ $labels.datname }} are pending for an hour.',
        description: 'What they would do: structdb migrate plan. Apply them: structdb migrate up',
      },
      means: 'The files of this structdb know migrations that the database does not have, for an hour.',
      look: '`structdb migrate status`, `structdb migrate plan`',
      fix: '`structdb migrate up`; or run the exporter with the files of the release that is deployed',
      proof: {
        series: { [series('structdb_migrations', 'datname="app",state="pending"')]: '0x4 2x70 0x10' },
        quiet: ['4m', '60m'],
        fires: {
          at: '70m',
          labels: { ...DB_LABELS, datname: 'app', state: 'pending' },
          summary: '2 migrations of app are pending for an hour.',
          description: 'What they would do: structdb migrate plan. Apply them: structdb migrate up',
        },
        clears: '77m',
      },
    },
    {
      name: 'StructdbAuditTriggerDisabled',
      severity: 'critical',
      expr: `${m('structdb_audit_trigger_enabled')} == 0`,
      for: '1m',
      says: {
        summary: 'The trigger {{ $labels.trigger }} of {{ $labels.datname }} is gone, disabled or altered.',
        description:
          'The audit log can be changed now. See what it is: structdb migrate verify; put it back, and find out who did it.',
      },
      means:
        'A trigger that keeps the audit log and the payloads from being changed is missing, disabled, not enabled ALWAYS, or is not what the migration made.',
      look: "`structdb migrate verify` shows the difference; the server's log; a restored backup from before, to compare the log with",
      fix: '`alter table project_events enable always trigger <name>`; a missing or altered one as `structdb migrate verify` shows it',
      proof: {
        series: {
          [series('structdb_audit_trigger_enabled', 'datname="app",trigger="project_events_no_change"')]:
            '1x4 0x5 1x10',
        },
        quiet: ['4m', '5m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, datname: 'app', trigger: 'project_events_no_change' },
          summary: 'The trigger project_events_no_change of app is gone, disabled or altered.',
          description:
            'The audit log can be changed now. See what it is: structdb migrate verify; put it back, and find out who did it.',
        },
        clears: '11m',
      },
    },
  ],
};
