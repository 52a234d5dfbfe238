import { describe, expect, it } from '@jest/globals';
import { down, plan, up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import { structureOf } from '../support/kill.ts';
import { asPlainOwner } from '../support/plain-owner.ts';
import { sql } from '../support/postgres.ts';
import { countProjects, fillProjects } from '../support/rows.ts';

describe('on PostgreSQL 18, as a plain owner', () => {
  it('each migration goes up, back exactly, and up again, with rows in place', async () => {
    const { programs } = await embeddedPrograms(18);
    const context = testContext();
    await asPlainOwner(programs, context, async (connection) => {
      const names = (await plan()).map(({ name }) => name);
      for (const [index, name] of names.entries()) {
        if (index === 1) await sql(connection, (client) => fillProjects(client, 500));
        const before = index === 0 ? undefined : await structureOf(connection);
        await up({ connection, count: 1 }, context);
        await down({ connection }, context);
        if (before) expect({ name, structure: await structureOf(connection) }).toEqual({ name, structure: before });
        await up({ connection, count: 1 }, context);
      }
      expect(await sql(connection, countProjects)).toEqual({ projects: 500, payloads: 500, events: 1500 });
      expect(context.events.filter(({ kind }) => kind === 'notice')).toContainEqual(
        expect.objectContaining({
          message: expect.stringContaining('pg_stat_statements is not loaded by this server'),
        }),
      );
    });
  });
});
