import { m } from '../metric-name.ts';
import { type AlertGroup, DB_LABELS, series } from './alert.ts';

const GIB = 1024 ** 3;
/** Backups and dumps hold a snapshot for as long as they take. */
const NOT_BACKUPS = 'application_name!~"pg_dump|structdb.*"';
const session =
  'datname="app",usename="web",application_name="api",wait_event_type="",wait_event="",backend_type="client backend"';

export const serverAlerts: AlertGroup = {
  name: 'structdb-server',
  title: 'The server',
  alerts: [
    {
      name: 'StructdbConnectionsOverTarget',
      severity: 'warning',
      expr: `${m('structdb_connection_utilisation_ratio')} > on (job, instance) ${m('structdb_objective_ratio', 'name="connection_utilisation"')}`,
      for: '15m',
      says: {
        summary: '{{ $value | humanizePercentage }} of the connections of {{ $labels.instance }} are in use.',
        description:
          'More than objectives.connectionUtilisation for 15 minutes. See who holds them: the panel "Connection pool usage" by state.',
      },
      means: 'More than `objectives.connectionUtilisation` (half) of what `max_connections` leaves to users is in use.',
      look: 'the panel "Connection pool usage": many `idle` are pools that are too large, `idle in transaction` are applications that forget to commit',
      fix: 'smaller pools, or PgBouncer in front; `idle_in_transaction_session_timeout` for the role',
      proof: {
        series: {
          [series('structdb_connection_utilisation_ratio')]: '0.2x4 0.6x18 0.2x10',
          [series('structdb_objective_ratio', 'name="connection_utilisation"')]: '0.5x40',
        },
        quiet: ['4m', '19m'],
        fires: {
          at: '21m',
          labels: { ...DB_LABELS },
          summary: '60% of the connections of db:9187 are in use.',
          description:
            'More than objectives.connectionUtilisation for 15 minutes. See who holds them: the panel "Connection pool usage" by state.',
        },
        clears: '25m',
      },
    },
    {
      name: 'StructdbConnectionsNearLimit',
      severity: 'critical',
      expr: `${m('structdb_connection_utilisation_ratio')} > 0.9`,
      for: '2m',
      says: {
        summary:
          '{{ $value | humanizePercentage }} of the connections of {{ $labels.instance }} are in use: soon none is left.',
        description:
          "New ones are refused then, backups included. End idle ones: select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle'",
      },
      means:
        'Nine tenths of the connections are taken. When none is left, applications, migrations and backups are refused.',
      look: '`select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc`',
      fix: 'end idle sessions with `pg_terminate_backend`, then smaller pools; a greater `max_connections` needs a restart and memory',
      proof: {
        series: { [series('structdb_connection_utilisation_ratio')]: '0.2x4 0.95x5 0.2x10' },
        quiet: ['4m', '6m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS },
          summary: '95% of the connections of db:9187 are in use: soon none is left.',
          description:
            "New ones are refused then, backups included. End idle ones: select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle'",
        },
        clears: '11m',
      },
    },
    {
      name: 'StructdbReplicationLag',
      severity: 'warning',
      expr: `${m('pg_replication_lag_seconds')} > 60 and on (job, instance) ${m('pg_replication_is_replica')} == 1`,
      for: '5m',
      says: {
        summary: 'The standby {{ $labels.instance }} is {{ $value | humanizeDuration }} behind.',
        description:
          'A failover now would lose that, and reads on it are old. On the standby: select * from pg_stat_wal_receiver',
      },
      means:
        'What a standby replays is more than a minute old, for five minutes. A standby of an idle primary has replayed all that it received and does not fire it.',
      look: 'on the standby `pg_stat_wal_receiver`; on the primary `pg_stat_replication`; long queries on the standby hold replay back',
      fix: 'end those queries; a standby that lost its WAL takes it from the archive: its `restore_command` is [`wal fetch`](wal.md)',
      proof: {
        series: {
          [series('pg_replication_lag_seconds')]: '1x4 120x8 1x10',
          [series('pg_replication_is_replica')]: '1x30',
        },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS },
          summary: 'The standby db:9187 is 2m 0s behind.',
          description:
            'A failover now would lose that, and reads on it are old. On the standby: select * from pg_stat_wal_receiver',
        },
        clears: '15m',
      },
    },
    {
      name: 'StructdbSlotBehind',
      severity: 'warning',
      expr: `${m('pg_replication_slots_pg_wal_lsn_diff')} > ${4 * GIB}`,
      for: '10m',
      says: {
        summary:
          'The slot {{ $labels.slot_name }} makes {{ $labels.instance }} keep {{ $value | humanize1024 }}B of WAL.',
        description:
          "Its reader is slow or gone, and the disk of pg_wal fills. Nobody reads it any more? select pg_drop_replication_slot('{{ $labels.slot_name }}')",
      },
      means:
        'A replication slot holds back more than 4 GiB of WAL. The server keeps it for as long as the slot exists, until its disk is full.',
      look: '`structdb wal status`; `select * from pg_replication_slots`',
      fix: 'start its reader again (`structdb wal receive`); set `max_slot_wal_keep_size`; drop a slot that nobody reads any more',
      proof: {
        series: { [series('pg_replication_slots_pg_wal_lsn_diff', 'slot_name="structdb"')]: '0x4 8589934592x14 0x10' },
        quiet: ['4m', '14m'],
        fires: {
          at: '16m',
          labels: { ...DB_LABELS, slot_name: 'structdb' },
          summary: 'The slot structdb makes db:9187 keep 8GiB of WAL.',
          description:
            "Its reader is slow or gone, and the disk of pg_wal fills. Nobody reads it any more? select pg_drop_replication_slot('structdb')",
        },
        clears: '20m',
      },
    },
    {
      name: 'StructdbWraparound',
      severity: 'critical',
      expr: `${m('pg_database_wraparound_age_datfrozenxid_seconds')} > 1e9 or ${m('pg_database_wraparound_age_datminmxid_seconds')} > 1e9`,
      for: '10m',
      says: {
        summary:
          'The oldest transaction of the database {{ $labels.datname }} is {{ $value | humanize }} transactions ago.',
        description:
          'At 2 billion PostgreSQL stops writing. Find what holds vacuum back (an old transaction, a slot, a prepared one), then: vacuum freeze',
      },
      means:
        'Half of the transaction ids are used up since the oldest one that is not frozen; autovacuum should have frozen it at 200 million. At 2 billion the server takes no more writes. (The metric is called seconds, as in postgres_exporter; it counts transactions.)',
      look: '`select pid, backend_xmin, xact_start from pg_stat_activity where backend_xmin is not null order by age(backend_xmin) desc`; `pg_replication_slots.xmin`; `pg_prepared_xacts`',
      fix: 'end what is old; then `vacuum (freeze, verbose)` in that database, the table with the greatest `age(relfrozenxid)` first',
      proof: {
        series: {
          [series('pg_database_wraparound_age_datfrozenxid_seconds', 'datname="app"')]: '2e8x4 12e8x14 2e8x10',
        },
        quiet: ['4m', '14m'],
        fires: {
          at: '16m',
          labels: { ...DB_LABELS, datname: 'app' },
          summary: 'The oldest transaction of the database app is 1.2G transactions ago.',
          description:
            'At 2 billion PostgreSQL stops writing. Find what holds vacuum back (an old transaction, a slot, a prepared one), then: vacuum freeze',
        },
        clears: '20m',
      },
      also: [
        {
          series: {
            [series('pg_database_wraparound_age_datminmxid_seconds', 'datname="app"')]: '2e8x4 15e8x14 2e8x10',
          },
          quiet: ['4m', '14m'],
          fires: {
            at: '16m',
            labels: { ...DB_LABELS, datname: 'app' },
            summary: 'The oldest transaction of the database app is 1.5G transactions ago.',
            description:
              'At 2 billion PostgreSQL stops writing. Find what holds vacuum back (an old transaction, a slot, a prepared one), then: vacuum freeze',
          },
          clears: '20m',
        },
      ],
    },
    {
      name: 'StructdbIdleInTransaction',
      severity: 'warning',
      expr: `max by (job, instance, datname, usename, application_name) (${m('pg_stat_activity_max_tx_duration', `state=~"idle in transaction.*",${NOT_BACKUPS}`)}) > 600`,
      for: '1m',
      says: {
        summary:
          '{{ $labels.application_name }} ({{ $labels.usename }}) has been idle in a transaction for {{ $value | humanizeDuration }}.',
        description:
          'It holds its locks, and vacuum cannot clean behind it in {{ $labels.datname }}. Set idle_in_transaction_session_timeout for that role.',
      },
      means:
        'A session has begun a transaction and does nothing in it for ten minutes. Its locks stay, and nothing that was deleted since can be cleaned up. Backups and structdb itself are left out.',
      look: "`select pid, xact_start, query from pg_stat_activity where state like 'idle in transaction%' order by xact_start`",
      fix: "`select pg_terminate_backend(<pid>)`; `alter role <role> set idle_in_transaction_session_timeout = '1min'`",
      proof: {
        series: {
          [series('pg_stat_activity_max_tx_duration', `${session},state="idle in transaction"`)]: '0+60x14 0x10',
        },
        quiet: ['10m', '11m'],
        fires: {
          at: '13m',
          labels: { ...DB_LABELS, datname: 'app', usename: 'web', application_name: 'api' },
          summary: 'api (web) has been idle in a transaction for 13m 0s.',
          description:
            'It holds its locks, and vacuum cannot clean behind it in app. Set idle_in_transaction_session_timeout for that role.',
        },
        clears: '16m',
      },
    },
    {
      name: 'StructdbLongTransaction',
      severity: 'warning',
      expr: `max by (job, instance, datname, usename, application_name) (${m('pg_stat_activity_max_tx_duration', `state="active",backend_type="client backend",${NOT_BACKUPS}`)}) > 3600`,
      for: '1m',
      says: {
        summary:
          'A transaction of {{ $labels.application_name }} ({{ $labels.usename }}) has run for {{ $value | humanizeDuration }}.',
        description:
          'Vacuum cannot clean behind it in {{ $labels.datname }}. See it: select pid, query from pg_stat_activity order by xact_start',
      },
      means:
        'A statement, or a transaction that is at work, takes more than an hour. Nothing that was deleted since can be cleaned up. Backups and structdb itself are left out.',
      look: "`select pid, xact_start, wait_event, query from pg_stat_activity where state = 'active' order by xact_start`: does it wait for a lock?",
      fix: '`select pg_cancel_backend(<pid>)`; a `statement_timeout` for the role',
      proof: {
        series: { [series('pg_stat_activity_max_tx_duration', `${session},state="active"`)]: '0+60x70 0x10' },
        quiet: ['60m', '61m'],
        fires: {
          at: '65m',
          labels: { ...DB_LABELS, datname: 'app', usename: 'web', application_name: 'api' },
          summary: 'A transaction of api (web) has run for 1h 5m 0s.',
          description:
            'Vacuum cannot clean behind it in app. See it: select pid, query from pg_stat_activity order by xact_start',
        },
        clears: '73m',
      },
    },
    {
      name: 'StructdbDeadlocks',
      severity: 'warning',
      expr: `increase(${m('pg_stat_database_deadlocks')}[15m]) >= 1`,
      for: '0m',
      says: {
        summary: 'Deadlocks in {{ $labels.datname }} in the last 15 minutes.',
        description: "Each took a transaction with it. The server's log has both statements; take locks in one order.",
      },
      means:
        'Transactions waited for each other and the server ended one of each pair: an application takes locks in different orders.',
      look: "the server's log: `deadlock detected` with both statements and their relations",
      fix: 'take locks in one order (by primary key), or repeat the transaction on SQLSTATE `40P01`',
      proof: {
        series: { [series('pg_stat_database_deadlocks', 'datid="16384",datname="app"')]: '3x9 5x40' },
        quiet: ['9m'],
        fires: {
          at: '12m',
          labels: { ...DB_LABELS, datid: '16384', datname: 'app' },
          summary: 'Deadlocks in app in the last 15 minutes.',
          description:
            "Each took a transaction with it. The server's log has both statements; take locks in one order.",
        },
        clears: '40m',
      },
    },
  ],
};
