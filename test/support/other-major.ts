import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { findServerPrograms, type ServerPrograms } from '../../src/postgres/cluster.ts';
import { onlyIn, type SearchPlaces } from '../../src/programs/find.ts';
import { projectRoot } from './cli.ts';
import { testPlaces } from './environment.ts';

export interface OtherMajor {
  /** Folder of all its programs, client tools included. */
  readonly directory: string;
  readonly programs: ServerPrograms;
  /** Finds nothing but this major. */
  readonly places: SearchPlaces;
}

/** A whole PostgreSQL of another major than the system's own, installed when it is not there (a minute, once per machine). */
export async function otherMajor(major: 17 | 18): Promise<OtherMajor> {
  const script = path.join(projectRoot, 'scripts/install-postgres.sh');
  const directory = execFileSync('bash', [script, String(major)], { encoding: 'utf8' }).trim();
  const places = onlyIn(testPlaces(), directory);
  return { directory, places, programs: await findServerPrograms(places, { major }) };
}
