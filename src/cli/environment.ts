import { homedir, hostname, userInfo } from 'node:os';
import type { Environment } from '../config/environment.ts';
import { readDotEnv } from '../config/project.ts';

/** .env fills what the environment leaves unset; a configuration file may read process.env, so it is filled there too. */
export async function takeEnvironment(root: string): Promise<Environment> {
  for (const [name, value] of Object.entries(await readDotEnv(root))) process.env[name] ??= value;
  const user = userInfo();
  return Object.freeze({
    variables: Object.freeze({ ...process.env }),
    home: homedir(),
    workingDirectory: process.cwd(),
    uid: process.geteuid?.(),
    userName: user.username,
    hostName: hostname(),
    platform: process.platform,
  });
}
