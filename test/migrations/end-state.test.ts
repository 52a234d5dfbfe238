import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/cli.ts';
import { sql, useServer } from '../support/postgres.ts';
import { dumpSchema, migrateUp } from '../support/schema.ts';

const server = useServer();
const golden = path.join(projectRoot, 'test/database/schema.sql');

describe('the end state of all migrations', () => {
  it('is the golden schema.sql (STRUCTDB_WRITE_GOLDEN=1 writes it)', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const schema = await dumpSchema(connection);
    if (process.env.STRUCTDB_WRITE_GOLDEN) await writeFile(golden, schema);
    expect(schema).toBe(await readFile(golden, 'utf8'));
  });

  it('has seven tables, fourteen secondary indexes of the promised kinds, and one view with its own', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const { rows } = await sql(connection, (client) =>
      client.query<{ table: string; name: string; kind: string }>(`
        select i.indrelid::regclass::text as table, c.relname as name,
               case when i.indpred is not null then 'partial' when i.indisunique then 'unique'
                    when i.indnatts > 1 then 'composite' else 'single' end as kind
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = 'public'::regnamespace and not i.indisprimary and not i.indisexclusion
          and i.indisvalid order by 1, 2`),
    );
    const onTables = rows.filter(({ table }) => table !== 'project_dashboard');
    expect(count(onTables.map(({ kind }) => kind))).toEqual({ composite: 3, partial: 1, unique: 1, single: 9 });
    expect(rows.filter(({ table }) => table === 'project_dashboard')).toEqual([
      { table: 'project_dashboard', name: 'project_dashboard_key', kind: 'unique' },
    ]);
    const tables = await sql(connection, (client) =>
      client.query(
        `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`,
      ),
    );
    expect(tables.rows.map(({ relname }) => relname)).toEqual([
      'calibration_constants',
      'code_references',
      'material_catalog',
      'pricing_configs',
      'project_events',
      'project_payloads',
      'projects',
    ]);
  });

  it('keeps the tables of projects distributable: their unique constraints contain project_id', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const { rows } = await sql(connection, (client) =>
      client.query(`select i.indexrelid::regclass::text as name from pg_index i
        where i.indrelid in ('projects'::regclass, 'project_payloads'::regclass, 'project_events'::regclass)
          and i.indisunique
          and not exists (select from pg_attribute a where a.attrelid = i.indrelid
            and a.attnum = any (i.indkey) and a.attname = 'project_id')`),
    );
    expect(rows).toEqual([]);
  });
});

function count(kinds: readonly string[]): Record<string, number> {
  return Object.fromEntries([...new Set(kinds)].map((kind) => [kind, kinds.filter((other) => other === kind).length]));
}
