import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { projectRoot } from './cli.ts';
import { scratchDirectory } from './scratch.ts';

let parent: Promise<string> | undefined;

/** A new project with a folder `migrations` of these files, in which kysely is installed. */
export async function migrationFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ readonly project: string; readonly directory: string }> {
  parent ??= scratchDirectory();
  const project = await mkdtemp(path.join(await parent, 'p-'));
  const directory = path.join(project, 'migrations');
  await mkdir(directory);
  await writeFile(path.join(project, 'package.json'), '{ "type": "module" }');
  await symlink(path.join(projectRoot, 'node_modules'), path.join(project, 'node_modules'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  return { project, directory };
}
