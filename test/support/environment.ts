import { homedir, hostname, userInfo } from 'node:os';
import type { Environment } from '../../src/config/environment.ts';
import type { SearchPlaces } from '../../src/programs/find.ts';

/**
 * What the scripts that run the tests hand to structdb: in the run of another major (scripts/test-matrix.sh) its programs
 * alone, and where temporary files go (scripts/in-memory.sh).
 */
export const programs: Record<string, string> = Object.fromEntries(
  ['STRUCTDB_PROGRAMS', 'STRUCTDB_SCRATCH'].flatMap((name) => {
    const value = process.env[name];
    return value ? [[name, value]] : [];
  }),
);

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
