import { homedir, hostname, userInfo } from 'node:os';
import type { Environment } from '../../src/config/environment.ts';
import type { SearchPlaces } from '../../src/programs/find.ts';

/** In the run of another major (scripts/test-matrix.sh): its programs alone. */
export const programs: Record<string, string> = process.env.STRUCTDB_PROGRAMS
  ? { STRUCTDB_PROGRAMS: process.env.STRUCTDB_PROGRAMS }
  : {};

/** The test process's environment without anything that names a database. */
export function testEnvironment(variables: Record<string, string> = {}): Environment {
  return Object.freeze({
    variables: { PATH: process.env.PATH, ...programs, ...variables },
    home: homedir(),
    workingDirectory: process.cwd(),
    uid: process.geteuid?.(),
    userName: userInfo().username,
    hostName: hostname(),
    platform: process.platform,
  });
}

export function testPlaces(directories: readonly string[] = []): SearchPlaces {
  return { environment: testEnvironment(), directories };
}
