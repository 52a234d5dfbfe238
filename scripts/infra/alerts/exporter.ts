import { m } from '../metric-name.ts';
import { type AlertGroup, DB_LABELS, series } from './alert.ts';

export const exporterAlerts: AlertGroup = {
  name: 'structdb-exporter',
  title: 'The exporter and what it reads',
  alerts: [
    {
      name: 'StructdbExporterDown',
      severity: 'critical',
      expr: 'up{job="structdb"} == 0 or absent(up{job="structdb"})',
      for: '2m',
      says: {
        summary:
          'Nothing answers as structdb monitor serve{{ with $labels.instance }} on {{ . }}{{ else }}: Prometheus has no target of the job structdb{{ end }}.',
        description:
          'No other alert of structdb can fire while this lasts. Start it: structdb monitor serve; its port: structdb monitor check.',
      },
      means:
        'Prometheus cannot scrape `structdb monitor serve`, or has no target of the job `structdb` at all. Every other alert is blind meanwhile.',
      look: 'the log of the exporter (`docker compose logs exporter`, `journalctl -u "structdb-*-monitor"`); whether host, port and, with a web configuration, the credentials in `prometheus.yml` are those it listens with',
      fix: '`structdb monitor serve` (it says why it cannot start); `structdb monitor check` tells the promises without it',
      proof: {
        series: { 'up{job="structdb",instance="db:9187"}': '1x4 0x6 1x10' },
        quiet: ['4m', '6m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS },
          summary: 'Nothing answers as structdb monitor serve on db:9187.',
          description:
            'No other alert of structdb can fire while this lasts. Start it: structdb monitor serve; its port: structdb monitor check.',
        },
        clears: '13m',
      },
      also: [
        {
          // No target at all; another job's is none of ours.
          series: { 'up{job="structdb",instance="db:9187"}': '1x4 _x10 1x10', 'up{job="other"}': '1x40' },
          quiet: ['4m'],
          fires: {
            at: '13m',
            labels: { job: 'structdb' },
            summary: 'Nothing answers as structdb monitor serve: Prometheus has no target of the job structdb.',
            description:
              'No other alert of structdb can fire while this lasts. Start it: structdb monitor serve; its port: structdb monitor check.',
          },
          clears: '16m',
        },
      ],
    },
    {
      name: 'StructdbServerDown',
      severity: 'critical',
      expr: `${m('pg_up')} == 0`,
      for: '1m',
      says: {
        summary: 'PostgreSQL does not answer the exporter {{ $labels.instance }}.',
        description:
          'It is down, restarting, out of connections, or refuses the role. See why: structdb doctor. If it is lost: docs/runbooks/README.md.',
      },
      means:
        'The exporter runs and PostgreSQL does not let it in: the server is down or restarting, has no connection left, or refuses the role.',
      look: "`structdb doctor`; the server's log; the status page of the exporter, which says what the server answered",
      fix: 'start the server (`docker compose up -d postgres`, `systemctl start postgresql`); where it was lost: [the runbooks](runbooks/README.md)',
      proof: {
        series: { [series('pg_up')]: '1x4 0x4 1x10' },
        quiet: ['4m', '5m'],
        fires: {
          at: '7m',
          labels: { ...DB_LABELS },
          summary: 'PostgreSQL does not answer the exporter db:9187.',
          description:
            'It is down, restarting, out of connections, or refuses the role. See why: structdb doctor. If it is lost: docs/runbooks/README.md.',
        },
        clears: '10m',
      },
    },
    {
      name: 'StructdbDatabaseDown',
      severity: 'critical',
      expr: `${m('structdb_database_up')} == 0 unless on (job, instance) ${m('pg_up')} == 0`,
      for: '2m',
      says: {
        summary: 'The exporter {{ $labels.instance }} cannot connect to the database {{ $labels.datname }}.',
        description:
          'The server answers for others. The status page says why; try it: structdb doctor --url <its address>',
      },
      means:
        'One of the monitored databases does not let the exporter in, although the server answers: it was dropped or renamed, or the role may not connect.',
      look: 'the status page of the exporter, which names the error; `structdb doctor --url <its address>`',
      fix: '`GRANT CONNECT ON DATABASE … TO <role>`; or take it out of `monitor.databases`',
      proof: {
        series: {
          [series('structdb_database_up', 'datname="app"')]: '1x4 0x5 1x10',
          [series('pg_up')]: '1x20',
        },
        quiet: ['4m', '6m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, datname: 'app' },
          summary: 'The exporter db:9187 cannot connect to the database app.',
          description:
            'The server answers for others. The status page says why; try it: structdb doctor --url <its address>',
        },
        clears: '11m',
      },
    },
    {
      name: 'StructdbScrapeError',
      severity: 'warning',
      expr: `${m('pg_exporter_last_scrape_error')} > 0`,
      for: '5m',
      says: {
        summary: 'The scrapes of {{ $labels.instance }} are not whole.',
        description:
          'A part of the metrics is missing, and alerts on it cannot fire. The status page of the exporter says what and why.',
      },
      means:
        'For five minutes every scrape had an error: some metrics are missing, and alerts that need them cannot fire.',
      look: 'the status page of the exporter, and `pg_scrape_collector_success == 0` in Prometheus',
      fix: 'mostly a grant: `GRANT pg_monitor TO <role>`; `structdb doctor` names what is missing',
      proof: {
        series: { [series('pg_exporter_last_scrape_error')]: '0x4 1x8 0x10' },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS },
          summary: 'The scrapes of db:9187 are not whole.',
          description:
            'A part of the metrics is missing, and alerts on it cannot fire. The status page of the exporter says what and why.',
        },
        clears: '15m',
      },
    },
    {
      name: 'StructdbCollectorFailing',
      severity: 'warning',
      expr: `${m('pg_scrape_collector_success')} == 0`,
      for: '10m',
      says: {
        summary: 'The collector {{ $labels.collector }} of {{ $labels.instance }} fails.',
        description:
          'Its metrics are missing: a grant, a locked catalog, an extension that is not installed. The status page of the exporter says why; structdb doctor names the command.',
      },
      means:
        'One collector has failed for ten minutes; the others go on. Without `pg_stat_statements` it is `stat_statements`.',
      look: 'the status page of the exporter, which names the error; `structdb doctor`',
      fix: '`GRANT pg_monitor TO <role>`; for `stat_statements`: `CREATE EXTENSION pg_stat_statements` in the monitored database, and the library in `shared_preload_libraries`',
      proof: {
        series: { [series('pg_scrape_collector_success', 'collector="locks"')]: '1x4 0x12 1x10' },
        quiet: ['4m', '14m'],
        fires: {
          at: '16m',
          labels: { ...DB_LABELS, collector: 'locks' },
          summary: 'The collector locks of db:9187 fails.',
          description:
            'Its metrics are missing: a grant, a locked catalog, an extension that is not installed. The status page of the exporter says why; structdb doctor names the command.',
        },
        clears: '19m',
      },
    },
    {
      name: 'StructdbFactsStale',
      severity: 'warning',
      expr: `time() - ${m('structdb_facts_timestamp_seconds')} > 900`,
      for: '5m',
      says: {
        summary: 'What {{ $labels.instance }} tells of {{ $labels.part }} is {{ $value | humanizeDuration }} old.',
        description:
          'Backups, archive and drills are judged by what was true then. Restart the exporter, and see what it cannot read: structdb monitor check.',
      },
      means:
        'The exporter looks at stores, archives and evidence by itself (`monitor.factsEvery`, a minute). For 15 minutes it did not manage to, so alerts on backups, WAL and drills judge the past.',
      look: "`structdb monitor check`, which looks at all of it now; the store's own log",
      fix: 'a store that hangs: [the store cannot be reached](runbooks/store-unreachable.md); otherwise restart `structdb monitor serve`',
      proof: {
        series: { [series('structdb_facts_timestamp_seconds', 'part="tiers"')]: '0x25 1500x10' },
        quiet: ['15m', '20m'],
        fires: {
          at: '22m',
          labels: { ...DB_LABELS, part: 'tiers' },
          summary: 'What db:9187 tells of tiers is 22m 0s old.',
          description:
            'Backups, archive and drills are judged by what was true then. Restart the exporter, and see what it cannot read: structdb monitor check.',
        },
        clears: '27m',
      },
    },
    {
      name: 'StructdbFactsFailed',
      severity: 'warning',
      expr: `${m('structdb_facts_failed')} == 1`,
      for: '10m',
      says: {
        summary: '{{ $labels.instance }} cannot read {{ $labels.part }}.',
        description: 'Whether its promises hold is not known. It says why, and what to do: structdb monitor check.',
      },
      means:
        'A part of what structdb tells (migrations, tiers, stores, WAL, drills, …) could not be read for ten minutes. Its promises are unknown, not kept.',
      look: '`structdb monitor check`: the part, the error and its hint',
      fix: 'what the hint says; often credentials of a store, or a role without rights',
      proof: {
        series: { [series('structdb_facts_failed', 'part="wal"')]: '0x4 1x12 0x10' },
        quiet: ['4m', '14m'],
        fires: {
          at: '16m',
          labels: { ...DB_LABELS, part: 'wal' },
          summary: 'db:9187 cannot read wal.',
          description: 'Whether its promises hold is not known. It says why, and what to do: structdb monitor check.',
        },
        clears: '19m',
      },
    },
    {
      name: 'StructdbStoreDown',
      severity: 'critical',
      expr: `${m('structdb_store_up')} == 0`,
      for: '5m',
      says: {
        summary: 'The store {{ $labels.store }} does not answer.',
        description:
          'Nothing can be backed up into it or brought back from it. structdb doctor says why; docs/runbooks/store-unreachable.md.',
      },
      means:
        'A store of the configuration did not answer for five minutes: no backup goes in, no restore comes out, and where WAL goes there the server keeps it all.',
      look: '`structdb doctor`: network, credentials, bucket, clock; the free space of `pg_wal`',
      fix: '[the store cannot be reached](runbooks/store-unreachable.md)',
      proof: {
        series: { [series('structdb_store_up', 'store="archive"')]: '1x4 0x8 1x10' },
        quiet: ['4m', '9m'],
        fires: {
          at: '11m',
          labels: { ...DB_LABELS, store: 'archive' },
          summary: 'The store archive does not answer.',
          description:
            'Nothing can be backed up into it or brought back from it. structdb doctor says why; docs/runbooks/store-unreachable.md.',
        },
        clears: '15m',
      },
    },
  ],
};
