import type { Kysely, Selectable, UpdateObject } from 'kysely';
import { StructdbError } from '../core/errors.ts';
import type { Database, ProjectsTable } from './types.ts';

export type ProjectChanges = Omit<UpdateObject<Database, 'projects'>, 'project_id' | 'version' | 'updated_at'>;

/**
 * Changes a project if it is still at the version that the caller read, and returns it as it is now (version + 1).
 * @throws VERSION_CONFLICT when somebody else was faster or the project is not there: read again, then decide.
 */
export async function updateProject(
  db: Kysely<Database>,
  { projectId, version }: { readonly projectId: string; readonly version: number },
  changes: ProjectChanges,
): Promise<Selectable<ProjectsTable>> {
  const updated = await db
    .updateTable('projects')
    .set(changes)
    .where('project_id', '=', projectId)
    .where('version', '=', version)
    .returningAll()
    .executeTakeFirst();
  if (updated) return updated;
  throw await lostRace(db, projectId, version);
}

async function lostRace(db: Kysely<Database>, projectId: string, version: number): Promise<StructdbError> {
  const present = await db
    .selectFrom('projects')
    .select(['version', 'updated_by'])
    .where('project_id', '=', projectId)
    .executeTakeFirst();
  const what = present
    ? `it is at version ${present.version} by now (changed by ${present.updated_by})`
    : 'there is no such project';
  return new StructdbError('VERSION_CONFLICT', `Project ${projectId} was not changed at version ${version}: ${what}.`, {
    hint: 'Read the project again and repeat the change on what it is now.',
  });
}
