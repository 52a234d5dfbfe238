import { StructdbError } from '../core/errors.ts';
import { withProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type SearchPlaces } from '../programs/find.ts';
import { runInTerminal } from '../programs/terminal.ts';
import { readPrivateServer } from './address.ts';
import { locateHome } from './home.ts';
import { stateOf } from './status.ts';

/**
 * Opens psql on the private server in the caller's terminal and returns its exit code.
 * @throws SERVER_NOT_RUNNING, PROGRAM_MISSING
 */
export async function openPsql(options: {
  readonly projectRoot: string;
  readonly places: SearchPlaces;
  readonly args: readonly string[];
}): Promise<{ readonly exitCode: number }> {
  const home = await locateHome(options.projectRoot, options.places.environment);
  const state = await stateOf(home);
  const connection = state === 'running' ? await readPrivateServer(options.projectRoot) : undefined;
  if (!connection) {
    throw new StructdbError('SERVER_NOT_RUNNING', 'The private server does not run.', { hint: 'structdb dev start' });
  }
  const psql = await findProgram('psql', options.places, { atLeast: Number.parseInt(home.record!.version, 10) });
  const exitCode = await withProgramEnvironment(connection, undefined, (env) =>
    runInTerminal(psql, options.args, { ...options.places.environment.variables, ...connectionOnly(env) }),
  );
  return { exitCode };
}

/** The user's own locale and time zone stay. */
function connectionOnly(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PG') && name !== 'PGTZ'));
}
