import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeDifference, verify } from '../../src/migrate/index.ts';
import { onlyIn } from '../../src/programs/find.ts';
import { testContext } from '../support/context.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import { testPlaces } from '../support/environment.ts';
import { asPlainOwner } from '../support/plain-owner.ts';
import { sql } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

describe('migrate verify on PostgreSQL 18', () => {
  it('takes a private server of that major, and knows what only that major has', async () => {
    const { programs } = await embeddedPrograms(18);
    const context = testContext();
    await asPlainOwner(programs, context, async (connection) => {
      await migrateUp(connection);
      const options = { connection, places: onlyIn(testPlaces(), path.dirname(programs.initdb.path)) };
      expect(await verify(options, context)).toMatchObject({ scratch: 'server', differences: [] });
      await sql(connection, (client) =>
        client.query(`
        alter table public.projects alter column confidence set default 1;
        alter table public.projects add constraint note_given not null confidence not valid;
        alter table public.projects add column twice int generated always as (version * 2) virtual;
        alter table public.projects add constraint loose check (version > 0) not enforced`),
      );
      const { differences } = await verify(options, context);
      expect(differences.map(describeDifference)).toEqual([
        'different column public.projects.confidence: expected numeric, found numeric not null not valid default 1',
        'unexpected column public.projects.twice: integer generated always as ((version * 2)) virtual',
        'unexpected constraint loose on public.projects: CHECK ((version > 0)) NOT ENFORCED',
      ]);
    });
  });
});
