import { mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A new project below `scratch` whose store is the folder `store` in it. */
export async function newProject(scratch: string): Promise<string> {
  const directory = await mkdtemp(path.join(scratch, 'p-'));
  await writeFile(
    path.join(directory, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: './store' } } };`,
  );
  return directory;
}
