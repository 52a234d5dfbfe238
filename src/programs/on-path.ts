import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { Program } from './find.ts';

/** A program of the system by its name, from PATH and the usual places; undefined when there is none. */
export async function programOnPath(name: string, environment: Environment): Promise<Program | undefined> {
  const directories = (environment.variables.PATH ?? '').split(path.delimiter).filter(Boolean);
  for (const directory of [...directories, '/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    const file = path.join(directory, name);
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return Object.freeze({ name, path: file, version: '', major: 0 });
  }
  return undefined;
}
