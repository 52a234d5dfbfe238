import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { StructdbError } from '../core/errors.ts';
import { runProgram, type SystemUser } from './run.ts';

/**
 * The user that PostgreSQL's server programs run as: undefined means "as structdb itself". They refuse root, so root
 * runs them as `postgres`, or else as `nobody`.
 * @throws PROGRAM_FAILED when root has no such user.
 */
export async function serverUser(environment: Environment): Promise<SystemUser | undefined> {
  if (environment.uid !== 0) return undefined;
  const user = (await systemUser('postgres')) ?? (await systemUser('nobody'));
  if (user) return user;
  throw new StructdbError('PROGRAM_FAILED', 'PostgreSQL refuses to run as root, and there is no user "postgres".', {
    hint: 'Create one (useradd --system postgres), or run structdb as another user.',
  });
}

/** A user of this machine by name or number; undefined when there is none. */
export async function systemUser(nameOrUid: string | number): Promise<SystemUser | undefined> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const lines = text.split('\n');
  const wanted = String(nameOrUid);
  let line = lines.find((entry) => entry.split(':')[typeof nameOrUid === 'number' ? 2 : 0] === wanted);
  // Users of a directory service are not in the file.
  line ??= await promisify(execFile)('getent', ['passwd', wanted]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  const fields = line?.split(':');
  if (!fields || fields.length < 6) return undefined;
  return Object.freeze({ name: fields[0]!, uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5]! });
}

/** Whether the user may enter the directory: asked of the system, which knows about groups and ACLs. */
export async function reaches(user: SystemUser, target: string): Promise<boolean> {
  const test = Object.freeze({ name: 'test', path: '/usr/bin/test', version: '', major: 0 });
  try {
    const result = await runProgram(test, ['-x', target], {
      env: {},
      user,
      accept: [1],
      doing: `Looking at ${target}`,
    });
    return result.exitCode === 0;
  } catch (cause) {
    throw new StructdbError('PROGRAM_FAILED', `The user "${user.name}", as whom the server runs, can run no program.`, {
      cause,
      hint: 'Check that others may enter / and /usr (ls -ld / /usr), or run structdb as a user other than root.',
    });
  }
}
