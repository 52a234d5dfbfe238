import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { plan } from '../../src/migrate/index.ts';
import { killUpAfterEachStatement } from '../support/interrupted-migrations.ts';
import { useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
let template: ConnectionSettings;

beforeAll(async () => {
  template = await server.createDatabase();
  await migrateUp(template, 4);
});

describe('a run killed after any statement is finished by the next', () => {
  it.each([
    ['005_performance_monitoring', '004_seed_data'],
    ['006_envelope_support', '005_performance_monitoring'],
  ])('%s', async (name, before) => {
    const connection = await server.createDatabase({ template: template.database });
    const kills = await killUpAfterEachStatement(connection, name, before);
    const [planned] = await plan({ names: [name] });
    expect(kills).toBeGreaterThan(planned!.statements.length);
  });
});
