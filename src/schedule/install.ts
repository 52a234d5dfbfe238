import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { programOnPath } from '../programs/on-path.ts';
import { type RunResult, runProgram } from '../programs/run.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { hasBlock, withBlock, withoutBlock } from './crontab.ts';
import { type Unit, type UnitScope, unitMarker, unitPrefix } from './units.ts';

/** What changed, in words a user can look up: `the crontab of root`, paths of files. */
export interface Changes {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/** Puts the block of a project into the current user's crontab. Other lines stay byte for byte. @throws PROGRAM_MISSING, PROGRAM_FAILED */
export async function installBlock(
  project: string,
  block: string,
  environment: Environment,
  context: RunContext,
): Promise<Changes> {
  const before = await readCrontab(environment, context, true);
  const after = withBlock(before, project, block);
  if (after === before) return { written: [], removed: [] };
  await runCrontab(['-'], environment, context, { input: after });
  return { written: [`the crontab of ${environment.userName}`], removed: [] };
}

/** Takes the block out; a crontab that held nothing else goes too. */
export async function removeBlock(project: string, environment: Environment, context: RunContext): Promise<Changes> {
  const before = await readCrontab(environment, context, false);
  if (!hasBlock(before, project)) return { written: [], removed: [] };
  const after = withoutBlock(before, project);
  if (after === '') await runCrontab(['-r'], environment, context);
  else await runCrontab(['-'], environment, context, { input: after });
  return { written: [], removed: [`the block in the crontab of ${environment.userName}`] };
}

/** Writes units, enables and starts them; those of earlier installs that are no longer wanted go. */
export async function installUnits(
  project: string,
  units: readonly Unit[],
  scope: UnitScope,
  environment: Environment,
  context: RunContext,
): Promise<Changes> {
  const systemctl = await systemctlFor(scope, environment, context);
  const directory = unitDirectory(scope, environment);
  const wanted = new Set(units.map(({ name }) => name));
  const old = await ownUnits(project, directory);
  await mkdir(directory, { recursive: true });
  const written: string[] = [];
  try {
    for (const { name, text } of units) {
      const file = path.join(directory, name);
      if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue;
      await writeWhole(file, text, 0o644);
      written.push(file);
    }
    const stale = old.filter((name) => !wanted.has(name));
    await dropUnits(stale, directory, systemctl);
    await systemctl(['daemon-reload']);
    await systemctl(['enable', '--now', ...units.filter(({ enabled }) => enabled).map(({ name }) => name)]);
    return { written, removed: stale.map((name) => path.join(directory, name)) };
  } catch (error) {
    // What was not there before and could not be enabled is not left behind.
    for (const file of written) if (!old.includes(path.basename(file))) await rm(file, { force: true });
    throw error;
  }
}

/** Stops, disables and deletes every unit of a project. */
export async function removeUnits(
  project: string,
  scope: UnitScope,
  environment: Environment,
  context: RunContext,
): Promise<Changes> {
  const directory = unitDirectory(scope, environment);
  const names = await ownUnits(project, directory);
  if (names.length === 0) return { written: [], removed: [] };
  const systemctl = await systemctlFor(scope, environment, context);
  await dropUnits(names, directory, systemctl);
  await systemctl(['daemon-reload']);
  return { written: [], removed: names.map((name) => path.join(directory, name)) };
}

type Systemctl = (args: readonly string[]) => Promise<RunResult>;

async function dropUnits(names: readonly string[], directory: string, systemctl: Systemctl): Promise<void> {
  if (names.length === 0) return;
  await systemctl(['disable', '--now', ...names]);
  for (const name of names) await rm(path.join(directory, name), { force: true });
}

/** Files of this project: by their names and their first line. */
async function ownUnits(project: string, directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const own: string[] = [];
  for (const name of names.filter((each) => each.startsWith(unitPrefix(project))).sort()) {
    const text = await readFile(path.join(directory, name), 'utf8').catch(() => '');
    if (text.startsWith(`${unitMarker(project)}\n`)) own.push(name);
  }
  return own;
}

/** The version of systemd on this machine, e.g. 252; undefined where it has none, or does not tell. */
export async function systemdVersion(environment: Environment, context: RunContext): Promise<number | undefined> {
  const program = await programOnPath('systemctl', environment);
  if (!program) return undefined;
  const told = await runProgram(program, ['--version'], {
    env: inherited(environment, []),
    signal: context.signal,
    timeoutMs: 10_000,
    doing: 'systemctl --version',
  }).catch((error: unknown) => {
    if (context.signal.aborted) throw error;
    return undefined;
  });
  const [, version] = /^systemd (\d+)/.exec(told?.stdout ?? '') ?? [];
  return version === undefined ? undefined : Number(version);
}

function unitDirectory(scope: UnitScope, { variables, home }: Environment): string {
  if (scope === 'system') return '/etc/systemd/system';
  return path.join(variables.XDG_CONFIG_HOME || path.join(home, '.config'), 'systemd/user');
}

async function systemctlFor(scope: UnitScope, environment: Environment, context: RunContext): Promise<Systemctl> {
  const program = await programOnPath('systemctl', environment);
  if (!program) {
    throw new StructdbError('PROGRAM_MISSING', 'systemctl was not found: this machine has no systemd.', {
      hint: 'Use cron: structdb schedule install   (or look at the units: structdb schedule print --systemd)',
    });
  }
  return async (args) => {
    try {
      return await runProgram(program, [...(scope === 'user' ? ['--user'] : []), '--no-ask-password', ...args], {
        env: inherited(environment, ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_CONFIG_HOME']),
        signal: context.signal,
        timeoutMs: 60_000,
        doing: `systemctl ${args[0]}`,
      });
    } catch (error) {
      if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') throw error;
      throw new StructdbError('PROGRAM_FAILED', error.message, {
        cause: error,
        details: error.details,
        hint: 'Where systemd does not run, use cron: structdb schedule install',
      });
    }
  };
}

async function readCrontab(environment: Environment, context: RunContext, needed: boolean): Promise<string> {
  if (!needed && !(await programOnPath('crontab', environment))) return '';
  const { exitCode, stdout, stderr } = await runCrontab(['-l'], environment, context, { accept: [1] });
  if (exitCode === 0) return stdout;
  if (/no crontab/i.test(stderr)) return '';
  throw new StructdbError('PROGRAM_FAILED', `The crontab cannot be read: ${stderr.trim()}.`, {
    hint: 'See who may use cron: /etc/cron.allow and /etc/cron.deny',
  });
}

async function runCrontab(
  args: readonly string[],
  environment: Environment,
  context: RunContext,
  more: { readonly input?: string; readonly accept?: readonly number[] } = {},
): Promise<RunResult> {
  const program = await programOnPath('crontab', environment);
  if (!program) {
    throw new StructdbError('PROGRAM_MISSING', 'crontab was not found: no cron is installed.', {
      hint: 'Install it (apt-get install cron), or use systemd: structdb schedule install --systemd',
    });
  }
  return runProgram(program, args, {
    env: inherited(environment, []),
    signal: context.signal,
    timeoutMs: 60_000,
    doing: args[0] === '-l' ? 'Reading the crontab' : 'Writing the crontab',
    ...more,
  });
}

function inherited({ variables }: Environment, more: readonly string[]): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: 'C' };
  for (const name of ['PATH', 'HOME', 'USER', 'LOGNAME', ...more]) {
    const value = variables[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** util-linux's flock; undefined where there is none. */
export async function findFlock(environment: Environment): Promise<string | undefined> {
  return (await programOnPath('flock', environment))?.path;
}

/** The machine's own zone, by which cron goes, whatever TZ says in a shell. */
export async function systemTimeZone(): Promise<string> {
  const { readlink } = await import('node:fs/promises');
  const link = await readlink('/etc/localtime').catch((error) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EINVAL') return undefined;
    throw error;
  });
  const name = link?.split('zoneinfo/')[1] ?? (await readFile('/etc/timezone', 'utf8').catch(() => '')).trim();
  return name === '' || /^(Etc\/)?(UTC|UCT|Universal|Zulu|GMT)$/.test(name) ? 'UTC' : name;
}
