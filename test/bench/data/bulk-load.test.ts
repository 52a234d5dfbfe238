import { describe, expect, it } from '@jest/globals';
import { bulkLoad } from '../../../src/bench/data/bulk-load.ts';
import type { ConnectionSettings } from '../../../src/config/connection.ts';
import { fingerprintTables } from '../../../src/database/fingerprint.ts';
import { loadSample } from '../../../src/database/load-sample.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';
import { migrateUp, picture } from '../../support/schema.ts';

const server = useServer();
/** With a busy project, and not a multiple of ten. */
const sample = { projects: 1003, seed: 5 };

/** What none of the migrations has so far, but one may have. */
const MORE = `
  comment on index projects_customer_idx is 'It''s a comment';
  comment on constraint projects_pkey on projects is 'Another';
  create table mentions (project_id uuid);
  alter table mentions add foreign key (project_id) references projects deferrable not valid;
  create view projects_by_key as select project_id, name from projects group by project_id;
  alter table projects disable trigger projects_next_version;
  alter table project_events cluster on project_events_actor_idx;
  create table project_event_counts (event_type project_event_type primary key, amount bigint not null);
  create function count_event() returns trigger language plpgsql as $$ begin
    insert into project_event_counts values (new.event_type, 1)
      on conflict (event_type) do update set amount = project_event_counts.amount + 1;
    return null;
  end $$;
  create trigger count_event after insert on project_events for each row execute function count_event();`;

describe('filling the database of a benchmark', () => {
  it('leaves the schema as it was, whatever it has, and the rows that the sample has', async () => {
    const [expected, filled] = await Promise.all([1, 2].map(() => migrated(MORE)));
    const before = await picture(filled!);
    await loadSample({ connection: expected!, ...sample }, testContext());
    const context = testContext();
    const loaded = await bulkLoad(filled!, sample, context);
    expect(await picture(filled!)).toEqual(before);
    const rows = await Promise.all([expected!, filled!].map(fingerprintsOf));
    expect(rows[1]).toEqual(rows[0]);
    expect(loaded).toEqual({
      projects: rows[0]!.find(({ name }) => name === 'projects')!.rows,
      payloads: rows[0]!.find(({ name }) => name === 'project_payloads')!.rows,
      events: rows[0]!.find(({ name }) => name === 'project_events')!.rows,
    });
    const progress = context.events.filter((event) => event.kind === 'progress' && event.step === 'bench.load');
    expect(progress.at(-1)).toMatchObject({ done: loaded.projects + loaded.payloads + loaded.events, total: 5015 });
  });

  it('needs the schema', async () => {
    const empty = await server.createOwnedDatabase();
    await expect(bulkLoad(empty, sample, testContext())).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
  });

  it('ends at once when it is interrupted, and when the server refuses a row', async () => {
    const connection = await migrated('alter table projects add check (version < 5)');
    await expect(bulkLoad(connection, sample, testContext())).rejects.toMatchObject({
      code: 'SQL_FAILED',
      message: expect.stringContaining('projects_version_check1'),
    });
    const context = testContext();
    const report = (event: Parameters<typeof context.report>[0]) => {
      if (event.kind === 'progress') context.interrupt();
    };
    await expect(bulkLoad(connection, sample, { ...context, report })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

async function migrated(more: string): Promise<ConnectionSettings> {
  const connection = await server.createOwnedDatabase();
  await migrateUp(connection);
  await sql(connection, (client) => client.query(more));
  return connection;
}

function fingerprintsOf(connection: ConnectionSettings) {
  return sql(connection, async (client) => {
    await client.query('begin');
    const tables = await fingerprintTables(client);
    return tables.filter(({ schema, name }) => schema === 'public' && name.startsWith('project'));
  });
}
