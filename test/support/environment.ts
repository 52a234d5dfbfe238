import { homedir, hostname, userInfo } from 'node:os';
import type { Environment } from '../../src/config/environment.ts';
import type { SearchPlaces } from '../../src/programs/find.ts';

/** The test process's environment without anything that names a database. */
export function testEnvironment(variables: Record<string, string> = {}): Environment {
  return Object.freeze({
    variables: { PATH: process.env.PATH, ...variables },
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
