import { homedir, hostname, userInfo } from 'node:os';
import type { Environment } from '../config/environment.ts';
import { readDotEnv } from '../config/project.ts';

/** .env fills what the environment leaves unset; a configuration file may read process.env, so it is filled there too. */
export async function takeEnvironment(root: string): Promise<Environment> {
  for (const [name, value] of Object.entries(await readDotEnv(root))) process.env[name] ??= value;
  return Object.freeze({
    variables: Object.freeze({ ...process.env }),
    home: known(homedir) ?? '/',
    workingDirectory: process.cwd(),
    uid: process.geteuid?.(),
    userName: known(() => userInfo().username) ?? process.env.USER ?? String(process.geteuid?.()),
    hostName: hostname(),
    platform: process.platform,
  });
}

/** What the system knows of this user; undefined for an id without an entry, as containers give (`--user 12345`). */
function known(ask: () => string): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
