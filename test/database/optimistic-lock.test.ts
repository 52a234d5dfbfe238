import { describe, expect, it } from '@jest/globals';
import { updateProject } from '../../src/database/optimistic-lock.ts';
import type { Database } from '../../src/database/types.ts';
import { createKysely } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('updateProject', () => {
  it('lets one of many writers of the same version win, and tells the others', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const db = await createKysely<Database>(connection, profiles.application, { max: 8 });
    try {
      const { project_id: projectId, version } = await db
        .insertInto('projects')
        .values({ account_id: crypto.randomUUID(), name: 'Tower', created_by: 'ann', updated_by: 'ann' })
        .returning(['project_id', 'version'])
        .executeTakeFirstOrThrow();
      const writers = Array.from({ length: 8 }, (_, index) => `writer ${index}`);
      const outcomes = await Promise.allSettled(
        writers.map((writer) => updateProject(db, { projectId, version }, { name: writer, updated_by: writer })),
      );
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won.map(({ value }) => value.version)).toEqual([version + 1]);
      for (const lost of outcomes.filter((outcome) => outcome.status === 'rejected')) {
        expect(lost.reason).toMatchObject({
          code: 'VERSION_CONFLICT',
          message: expect.stringContaining(`it is at version 2 by now (changed by ${won[0]!.value.updated_by})`),
        });
      }
      await expect(
        updateProject(db, { projectId: crypto.randomUUID(), version: 1 }, { name: 'Nobody' }),
      ).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        message: expect.stringContaining('there is no such project'),
      });
    } finally {
      await db.destroy();
    }
  });
});
