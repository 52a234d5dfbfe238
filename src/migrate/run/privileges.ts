import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { StructdbError } from '../../core/errors.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';

/**
 * Refuses before anything is touched when the role cannot finish the migrations: half of them would be applied, and the
 * server would name a table or a schema where the reader needs the grant.
 * @throws PERMISSION_DENIED whose hint is the statement that helps.
 */
export async function requireMigrationPrivileges(client: pg.Client, connection: ConnectionSettings): Promise<void> {
  const { rows } = await client.query<{ owner: boolean; database: boolean; public: boolean; role: string }>(
    `select pg_has_role(datdba, 'USAGE') as owner,
            has_database_privilege(oid, 'CREATE') as database,
            coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), false) as public,
            current_user as role
     from pg_catalog.pg_database where datname = current_database()`,
  );
  const may = rows[0]!;
  const database = quoteIdentifier(connection.database);
  const role = quoteIdentifier(may.role);
  const denied = (what: string, grant: string) =>
    new StructdbError('PERMISSION_DENIED', `Role ${role} ${what}.`, {
      hint: `As the owner of the database or a superuser: ${grant}`,
    });
  if (!may.database)
    throw denied(`may not create schemas in database ${database}`, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  if (!may.public) throw denied('may not create tables in schema public', `GRANT CREATE ON SCHEMA public TO ${role}`);
  if (!may.owner) {
    throw denied(
      `does not own database ${database}, which the migrations set statement_timeout of`,
      `ALTER DATABASE ${database} OWNER TO ${role}`,
    );
  }
}
