import { describe, expect, it } from '@jest/globals';
import { killDownAfterEachStatement, killUpAfterEachStatement } from '../support/interrupted-migrations.ts';
import { sql, useServer } from '../support/postgres.ts';
import { countProjects, fillProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('as a plain owner with 10,000 projects, a run killed after any statement is finished by the next', () => {
  it.each([
    ['005_performance_monitoring', '004_seed_data', 4],
    ['006_envelope_support', '005_performance_monitoring', 5],
  ])(
    '%s',
    async (name, before, count) => {
      const connection = await server.createOwnedDatabase();
      await migrateUp(connection, count);
      await sql(connection, (client) => fillProjects(client, 10_000));
      await killUpAfterEachStatement(connection, name, before);
      await killDownAfterEachStatement(connection, name, before);
      expect(await sql(connection, countProjects)).toEqual({ projects: 10_000, payloads: 10_000, events: 30_000 });
    },
    600_000,
  );
});
