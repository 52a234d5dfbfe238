import type pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../config/connection.ts';
import { StructdbError } from '../core/errors.ts';
import { quoteIdentifier } from './connect.ts';

/** Refuses a standby, and a session whose transactions are read-only by default. @throws SERVER_READ_ONLY */
export async function refuseReadOnly(client: pg.Client, connection: ConnectionSettings): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; readonly: boolean; source: string; role: string }>(
    `select pg_is_in_recovery() as standby, setting = 'on' as readonly, source, current_user as role
     from pg_catalog.pg_settings where name = 'default_transaction_read_only'`,
  );
  const { standby, readonly, source, role } = rows[0]!;
  const where = describeConnection(connection);
  if (standby) {
    throw new StructdbError('SERVER_READ_ONLY', `${where} is a standby: it takes no writes.`, {
      hint: 'Give the address of the primary (--url).',
    });
  }
  if (readonly) {
    throw new StructdbError('SERVER_READ_ONLY', `${where} is read-only: default_transaction_read_only is on.`, {
      hint: `If it may be written again: ${remedyOf(source, quoteIdentifier(connection.database), quoteIdentifier(role))}`,
    });
  }
}

/** Where a setting comes from (pg_settings.source), so is it taken back. */
function remedyOf(source: string, database: string, role: string): string {
  const reset = 'RESET default_transaction_read_only';
  switch (source) {
    case 'database':
      return `ALTER DATABASE ${database} ${reset}`;
    case 'user':
      return `ALTER ROLE ${role} ${reset}`;
    case 'database user':
      return `ALTER ROLE ${role} IN DATABASE ${database} ${reset}`;
    case 'client':
      return 'remove it from the options of the connection';
    default:
      return 'as a superuser ALTER SYSTEM SET default_transaction_read_only = off, then SELECT pg_reload_conf()';
  }
}
