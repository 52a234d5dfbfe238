/**
 * The server settings that the schema is tuned for (docs/schema.md): the private cluster and infra/compose.yaml both
 * take them from here.
 */
export function serverSettings(major: number): Readonly<Record<string, string>> {
  return Object.freeze({
    max_connections: '100',
    shared_buffers: '256MB',
    shared_preload_libraries: 'pg_stat_statements',
    archive_mode: 'on',
    archive_timeout: '60s',
    wal_level: 'replica',
    wal_compression: 'on',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...(major >= 17 ? { summarize_wal: 'on' } : {}),
  });
}

/** Settings of a server that lives for one test or drill: small, quick, alone, and archiving nothing. */
export function scratchSettings(): Readonly<Record<string, string>> {
  return Object.freeze({
    max_connections: '50',
    shared_buffers: '64MB',
    archive_mode: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    timezone: 'UTC',
    log_timezone: 'UTC',
    autovacuum_naptime: '5min',
  });
}

/** The lines of a postgresql.conf; values are quoted as its grammar wants. */
export function renderSettings(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`)
    .join('');
}
