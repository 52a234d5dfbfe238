import { type Kysely, sql } from 'kysely';
import { defaultSample, sampleProjectIds, sampleTables } from 'structdb/sample';

const ROWS_PER_STATEMENT = 1000;

/** For `npx kysely seed run`: the projects of the sample that are not there yet, in one transaction. */
export async function seed(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const ids = [...sampleProjectIds(defaultSample)];
    const { rows: present } = await sql<{ project_id: string }>`
      select project_id from public.projects where project_id = any(${ids}::uuid[])`.execute(transaction);
    const there = new Set(present.map(({ project_id }) => project_id));
    for (const { name, columns, rows } of sampleTables) {
      const names = columns.map((column) => sql.ref(column.name));
      const types = columns.map((column) => sql`${sql.ref(column.name)} ${sql.raw(column.type)}`);
      for (const batch of batches<object>(rows(defaultSample, (id) => !there.has(id)))) {
        await sql`insert into ${sql.table(`public.${name}`)} (${sql.join(names)})
          select ${sql.join(names)} from jsonb_to_recordset(${asJson(batch)}::jsonb) as row (${sql.join(types)})`.execute(
          transaction,
        );
      }
    }
  });
}

function* batches<Row>(rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_PER_STATEMENT) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** A jsonb column's value is JSON text already: it must arrive as JSON, not as a string of it. */
function asJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (key, value: unknown) =>
    (key === 'payload' || key === 'data') && typeof value === 'string' ? JSON.parse(value) : value,
  );
}
