import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';

/**
 * Readers and writers that go on while `work` runs: single inserts, transactions that touch projects first and events
 * after, updates, reads of all three tables. Fails when one of them met an error that a migration must not cause;
 * `tolerated` (SQLSTATE and message) may.
 */
export async function withTraffic(
  connection: ConnectionSettings,
  work: () => Promise<void>,
  tolerated = /(?!)/,
): Promise<void> {
  const stop = { asked: false };
  const users = [writeEvents, writeProjects, read].map((use) => keepUsing(connection, stop, use));
  try {
    await work();
  } finally {
    stop.asked = true;
  }
  const problems = (await Promise.all(users)).flat().filter((problem) => !tolerated.test(problem));
  if (problems.length > 0) throw new Error(`Traffic met: ${[...new Set(problems)].join(' | ')}`);
}

async function keepUsing(
  connection: ConnectionSettings,
  stop: { readonly asked: boolean },
  use: (client: pg.Client) => Promise<void>,
): Promise<string[]> {
  const { host, port, user, database, password } = connection;
  const client = new pg.Client({ host, port, user, database, password: password ?? '', ssl: false });
  client.on('error', () => {});
  await client.connect();
  const problems: string[] = [];
  while (!stop.asked) {
    await use(client).catch(async (error: Error & { code?: string }) => {
      problems.push(`${error.code} ${error.message}`);
      await client.query('rollback').catch(() => {});
    });
  }
  await client.end();
  return problems;
}

async function writeEvents(client: pg.Client): Promise<void> {
  await client.query(`insert into project_events (project_id, event_type, actor)
    select project_id, 'updated', 'traffic' from projects limit 1`);
}

async function writeProjects(client: pg.Client): Promise<void> {
  await client.query('begin');
  const { rows } = await client.query<{ project_id: string }>(
    `insert into projects (account_id, name, created_by, updated_by)
     values (gen_random_uuid(), 'Traffic', 'traffic', 'traffic') returning project_id`,
  );
  await client.query(`insert into project_events (project_id, event_type, actor) values ($1, 'created', 'traffic')`, [
    rows[0]!.project_id,
  ]);
  await client.query(`update projects set name = 'Traffic 2' where project_id = $1`, [rows[0]!.project_id]);
  await client.query('commit');
}

async function read(client: pg.Client): Promise<void> {
  await client.query(`select count(*) from projects p join project_events e using (project_id)
    where p.status = 'active' and e.event_type = 'created' and p.account_id = md5('1')::uuid`);
}
