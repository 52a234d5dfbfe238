import type pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { identifySystem, withReplication } from '../../postgres/base-backup.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';
import { requireSupportedServer } from '../../postgres/server-version.ts';
import { type Finding, finding, ok } from './finding.ts';

/** What the server says of itself, as far as this role may ask. */
export interface ServerFacts {
  readonly version: string;
  readonly major: number;
  readonly role: string;
  readonly superuser: boolean;
  readonly inRecovery: boolean;
  /** null where the role may not ask. */
  readonly systemIdentifier: string | null;
  readonly segmentSizeBytes: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Of all databases. */
  readonly databaseBytes: number;
  /** The server's clock minus this machine's. */
  readonly skewMs: number;
}

const SETTINGS = [
  'archive_mode',
  'archive_command',
  'archive_library',
  'archive_timeout',
  'wal_level',
  'max_wal_senders',
  'data_checksums',
  'fsync',
  'full_page_writes',
  'summarize_wal',
];

/** Asks the server. @throws SERVER_TOO_OLD */
export async function askServer(client: pg.Client, context: RunContext): Promise<ServerFacts> {
  const { version, major } = await requireSupportedServer(client);
  const before = context.clock.now().getTime();
  const { rows } = await client.query<{
    role: string;
    superuser: boolean;
    recovery: boolean;
    segment: string;
    at: Date;
    settings: Record<string, string>;
    bytes: string;
  }>(
    `select current_user as role, (select rolsuper from pg_roles where rolname = current_user) as superuser,
            pg_is_in_recovery() as recovery, pg_size_bytes(current_setting('wal_segment_size'))::text as segment,
            clock_timestamp() as at,
            (select jsonb_object_agg(name, setting) from pg_settings where name = any($1)) as settings,
            (select coalesce(sum(pg_database_size(oid)), 0)::text from pg_database
              where has_database_privilege(oid, 'connect')) as bytes`,
    [SETTINGS],
  );
  const after = context.clock.now().getTime();
  const row = rows[0]!;
  return {
    version,
    major,
    role: row.role,
    superuser: row.superuser,
    inRecovery: row.recovery,
    systemIdentifier: await identifierOf(client),
    segmentSizeBytes: Number(row.segment),
    settings: row.settings,
    databaseBytes: Number(row.bytes),
    skewMs: Math.round(row.at.getTime() - (before + after) / 2),
  };
}

async function identifierOf(client: pg.Client): Promise<string | null> {
  try {
    const { rows } = await client.query<{ id: string }>(
      'select system_identifier::text as id from pg_catalog.pg_control_system()',
    );
    return rows[0]!.id;
  } catch (error) {
    if (codeOf(error) === '42501') return null;
    throw error;
  }
}

/** The server itself: version, safety of its settings, its clock. */
export function judgeServer(facts: ServerFacts, connection: ConnectionSettings): Finding[] {
  const { settings, skewMs } = facts;
  const findings = [
    ok(
      'server',
      'version',
      `PostgreSQL ${facts.version} at ${describeConnection(connection)}${facts.inRecovery ? ', a standby' : ''}`,
    ),
  ];
  for (const name of ['fsync', 'full_page_writes']) {
    if (settings[name] === 'on') continue;
    findings.push(
      finding(
        'problem',
        'server',
        name,
        `${name} is off: a crash can destroy the database.`,
        `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf();`,
      ),
    );
  }
  findings.push(
    settings.data_checksums === 'on'
      ? ok('server', 'data-checksums', 'data checksums are on')
      : finding(
          'warning',
          'server',
          'data-checksums',
          'Data checksums are off: a damaged page goes into backups unnoticed.',
          'Stop the server, then: pg_checksums --enable --pgdata <data directory>',
        ),
  );
  findings.push(
    Math.abs(skewMs) < 5_000
      ? ok('clocks', 'server', `the server's clock is ${formatDuration(Math.abs(skewMs))} from this machine's`)
      : finding(
          Math.abs(skewMs) < 60_000 ? 'warning' : 'problem',
          'clocks',
          'server',
          `The server's clock is ${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's.`,
          'Set both by NTP: labels and retention go by this clock, targets of a restore by that one.',
        ),
  );
  return findings;
}

/** What the role may do: dumps need to read, base backups REPLICATION and an entry in pg_hba.conf. */
export async function checkPrivileges(
  client: pg.Client,
  facts: ServerFacts,
  connection: ConnectionSettings,
  needsReplication: boolean,
  context: RunContext,
): Promise<Finding[]> {
  const role = quoteIdentifier(facts.role);
  const { rows } = await client.query<{
    owner: boolean;
    replication: boolean;
    passwords: boolean;
    database: string;
    unreadable: string[];
  }>(
    `select current_database() as database,
            (select pg_has_role(datdba, 'USAGE') from pg_database where datname = current_database()) as owner,
            (select rolreplication or rolsuper from pg_roles where rolname = current_user) as replication,
            has_table_privilege('pg_catalog.pg_authid', 'select') as passwords,
            coalesce((select array_agg(c.oid::regclass::text order by 1)
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relkind in ('r', 'p', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                and not has_table_privilege(c.oid, 'select')), '{}') as unreadable`,
  );
  const row = rows[0]!;
  const findings: Finding[] = [
    row.owner
      ? ok('privileges', 'owner', `${facts.role} owns database "${row.database}"`)
      : finding(
          'problem',
          'privileges',
          'owner',
          `${facts.role} does not own database "${row.database}": migrations and restores need that.`,
          `As a superuser: ALTER DATABASE ${quoteIdentifier(row.database)} OWNER TO ${role}`,
        ),
  ];
  if (row.unreadable.length > 0) {
    findings.push(
      finding(
        'problem',
        'privileges',
        'read',
        `${facts.role} may not read ${row.unreadable.slice(0, 3).join(', ')}${row.unreadable.length > 3 ? ` and ${row.unreadable.length - 3} more` : ''}: a dump would fail.`,
        `As a superuser: GRANT pg_read_all_data TO ${role}`,
      ),
    );
  }
  if (!row.passwords) {
    findings.push(
      finding(
        'notice',
        'privileges',
        'passwords',
        `${facts.role} may not read pg_authid: dumps carry roles without their passwords.`,
        `As a superuser: GRANT SELECT ON pg_authid TO ${role}  (or keep the passwords elsewhere)`,
      ),
    );
  }
  if (facts.systemIdentifier === null) {
    findings.push(
      finding(
        'problem',
        'privileges',
        'system-identifier',
        `${facts.role} may not ask which cluster this is: no backup can be taken.`,
        `As a superuser: GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO ${role}`,
      ),
    );
  }
  findings.push(...(await checkReplication(connection, row.replication, needsReplication, role, context)));
  return findings;
}

async function checkReplication(
  connection: ConnectionSettings,
  allowed: boolean,
  needed: boolean,
  role: string,
  context: RunContext,
): Promise<Finding[]> {
  const level = needed ? 'problem' : 'notice';
  if (!allowed) {
    return [
      finding(
        level,
        'privileges',
        'replication',
        `${role} has not REPLICATION: base backups and wal receive need it.`,
        `As a superuser: ALTER ROLE ${role} REPLICATION`,
      ),
    ];
  }
  try {
    await withReplication(connection, context, identifySystem);
    return [ok('privileges', 'replication', `${role} may take base backups and receive WAL`)];
  } catch (error) {
    return [
      finding(
        level,
        'privileges',
        'replication',
        messageOf(error),
        error instanceof StructdbError ? (error.hint ?? null) : null,
      ),
    ];
  }
}
