import type { Kysely } from 'kysely';
import { platformSuite } from '../../benchmarks/suites/platform.ts';
import { importCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { createDatabase } from '../../src/database/create-database.ts';
import { refreshDashboard } from '../../src/database/dashboard.ts';
import { loadSample } from '../../src/database/load-sample.ts';
import type { Database } from '../../src/database/types.ts';
import { testContext } from './context.ts';
import { sql } from './postgres.ts';
import { migrateUp } from './schema.ts';

interface PlanNode {
  readonly 'Index Name'?: string;
  readonly 'Node Type'?: string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Fills a database as the bench does. */
export async function fillDatabase(connection: ConnectionSettings, projects: number): Promise<void> {
  const context = testContext();
  await migrateUp(connection);
  await importCatalogs({ connection }, context);
  await loadSample({ connection, projects, seed: 1 }, context);
  await refreshDashboard({ connection }, context);
  await sql(connection, (client) => client.query('vacuum analyze'));
}

/** The indexes of each query's plan, and what it reads as a whole (`all of projects`), with nothing switched off. */
export async function indexesUsed(connection: ConnectionSettings): Promise<Record<string, string[]>> {
  const db = await createDatabase({ connection, maxConnections: 1 });
  try {
    const parameters = await platformSuite.draw(db);
    const used: Record<string, string[]> = {};
    for (const query of platformSuite.queries) {
      const names = new Set<string>();
      for (let turn = 0; turn < 5; turn += 1) {
        const { sql: text, parameters: values } = query.build(db, parameters, turn).compile();
        for (const name of await explain(connection, text, values)) names.add(name);
      }
      used[query.name] = [...names].sort();
    }
    return used;
  } finally {
    await (db as Kysely<Database>).destroy();
  }
}

/** The secondary indexes of the schema, and the view's. */
export async function indexesOfSchema(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select indexrelid::regclass::text as name from pg_index
       where indrelid::regclass::text = any(array['projects', 'project_payloads', 'project_events', 'material_catalog',
           'project_dashboard'])
         and not exists (select from pg_constraint where conindid = indexrelid)
       order by 1`,
    );
    return rows.map(({ name }) => name);
  });
}

async function explain(connection: ConnectionSettings, text: string, values: readonly unknown[]): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
      `explain (format json) ${text}`,
      [...values],
    );
    return namesIn(rows[0]!['QUERY PLAN'][0]!.Plan);
  });
}

function namesIn(node: PlanNode): string[] {
  const whole = node['Node Type'] === 'Seq Scan' ? [`all of ${node['Relation Name']}`] : [];
  return [...(node['Index Name'] ? [node['Index Name']] : []), ...whole, ...(node.Plans ?? []).flatMap(namesIn)];
}
