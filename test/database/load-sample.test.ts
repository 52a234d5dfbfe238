import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { describeLoaded, loadSample } from '../../src/database/load-sample.ts';
import { payloadHash } from '../../src/database/payload-hash.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { countProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('loading the sample', () => {
  let connection: ConnectionSettings;
  beforeAll(async () => {
    connection = await server.createOwnedDatabase();
    await migrateUp(connection);
  });

  it('says what to do before the schema is there', async () => {
    const empty = await server.createOwnedDatabase();
    await expect(loadSample({ connection: empty, projects: 10, seed: 1 }, testContext())).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
      hint: 'Run: structdb migrate up',
    });
  });

  it('leaves nothing when it is interrupted', async () => {
    const context = testContext();
    const report = context.report;
    const interrupting = {
      ...context,
      report: (event: Parameters<typeof report>[0]) => {
        report(event);
        if (event.kind === 'step') context.interrupt();
      },
    };
    await expect(loadSample({ connection, projects: 200, seed: 1 }, interrupting)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(await sql(connection, countProjects)).toEqual({ projects: 0, payloads: 0, events: 0 });
  });

  it('loads as a plain owner, counts truthfully, adds only what is missing and then has nothing to do', async () => {
    expect(await loadSample({ connection, projects: 200, seed: 1 }, testContext())).toEqual({
      seed: 1,
      alreadyThere: 0,
      projects: 200,
      payloads: 200,
      events: 600,
    });
    const more = await loadSample({ connection, projects: 300, seed: 1 }, testContext());
    expect(more).toMatchObject({ alreadyThere: 200, projects: 100, payloads: 100, events: 300 });
    const again = await loadSample({ connection, projects: 300, seed: 1 }, testContext());
    expect(again).toMatchObject({ alreadyThere: 300, projects: 0, payloads: 0, events: 0 });
    expect(describeLoaded(again)).toBe('All 300 sample projects are there already: nothing to do');
    expect(await sql(connection, countProjects)).toEqual({ projects: 300, payloads: 300, events: 900 });
  });

  it('stores payloads whose hash is that of what is stored', async () => {
    const rows = await sql(connection, async (client) => {
      const { rows } = await client.query<{ payload: unknown; content_sha256: string }>(
        'select payload, content_sha256 from project_payloads',
      );
      return rows;
    });
    expect(rows.filter((row) => payloadHash(row.payload) !== row.content_sha256)).toEqual([]);
  });

  it('two loads at once make one sample', async () => {
    const results = await Promise.all(
      [1, 2].map(() => loadSample({ connection, projects: 100, seed: 2 }, testContext())),
    );
    expect(results.map(({ projects }) => projects).toSorted((a, b) => a - b)).toEqual([0, 100]);
  });
});
