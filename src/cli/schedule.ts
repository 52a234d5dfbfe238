import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { CONFIG_NAMES, type Project, readDotEnv } from '../config/project.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import type { Changes, Program, UnitScope, UnitSettings } from '../schedule/index.ts';
import type { Session } from './session.ts';
import type { Outcome, Shell } from './shell.ts';

interface Flags {
  /** true: the flag without a scope. */
  readonly systemd?: true | UnitScope;
  readonly without?: readonly string[];
}

/** `structdb schedule print|install|remove`. `program`: the whole command line, for the commands that it has. */
export function scheduleCommand(shell: Shell, program: () => Command): Command {
  const systemd = (command: Command) =>
    void command
      .addOption(
        new Option(
          '--systemd [scope]',
          'units of systemd instead of cron; scope: user or system (default: system for root)',
        ).choices(['user', 'system']),
      )
      .option('--without <jobs...>', 'leave these out: backup, prune, drill, dashboard, receive, monitor');
  return shell.group('schedule', 'what structdb does by itself: backups, pruning, drills, the dashboard', [
    shell.command<Flags>({
      name: 'print',
      summary: 'show the lines of cron, or the units of systemd; needs nothing and changes nothing',
      example: 'structdb schedule print --systemd',
      exitCodes: [EXIT.ok, EXIT.usage],
      configure: systemd,
      run: (session, _args, flags) => print(session, flags, commandsOf(program())),
    }),
    shell.command<Flags>({
      name: 'install',
      summary: "put them into the current user's crontab, or write and enable the units",
      details: 'Other lines of the crontab stay as they are. Run it again after the configuration changed.',
      example: 'structdb schedule install',
      exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
      configure: systemd,
      run: (session, _args, flags) => install(session, flags, commandsOf(program())),
    }),
    shell.command({
      name: 'remove',
      summary: 'take them out of the crontab and of systemd again',
      example: 'structdb schedule remove',
      exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
      run: remove,
    }),
  ]);
}

async function print(session: Session, flags: Flags, commands: ReadonlySet<string>): Promise<Outcome> {
  const { renderBlock, renderUnits } = await import('../schedule/index.ts');
  const scene = await sceneOf(session, flags, commands);
  if (flags.systemd === undefined) {
    const text = renderBlock(scene.jobs, scene.cron);
    return { result: { kind: 'cron', text }, human: () => text };
  }
  const units = renderUnits(scene.jobs, await unitSettings(session, flags, scene));
  return {
    result: { kind: 'systemd', units: units.map(({ name, text }) => ({ name, text })) },
    human: () => units.map(({ name, text }) => `# ${name}\n${text}`).join('\n'),
  };
}

async function install(session: Session, flags: Flags, commands: ReadonlySet<string>): Promise<Outcome> {
  const { installBlock, installUnits, renderBlock, renderUnits } = await import('../schedule/index.ts');
  const { environment, context, project } = session;
  const scene = await sceneOf(session, flags, commands);
  const { jobs, program, cron } = scene;
  if (flags.systemd === undefined) {
    const block = renderBlock(jobs, cron);
    await mkdir(path.dirname(program.logFile), { recursive: true });
    const changes = await installBlock(program.project, block, environment, context);
    warnOfEnvironment(session, await readDotEnvNames(project.root));
    const result = { kind: 'cron', jobs: jobs.map(({ name }) => name), log: program.logFile, ...changes };
    return { result, human: (style) => describe(changes, style, `What they say is in ${program.logFile}.`) };
  }
  const settings = await unitSettings(session, flags, scene);
  const { scope } = settings;
  const units = renderUnits(jobs, settings);
  const changes = await installUnits(program.project, units, scope, environment, context);
  warnOfEnvironment(session, await readDotEnvNames(project.root));
  const look = `systemctl ${scope === 'user' ? '--user ' : ''}list-timers 'structdb-*'`;
  const result = { kind: 'systemd', scope, jobs: jobs.map(({ name }) => name), ...changes };
  return { result, human: (style) => describe(changes, style, `When they run: ${look}`) };
}

async function remove(session: Session): Promise<Outcome> {
  const { removeBlock, removeUnits } = await import('../schedule/index.ts');
  const { environment, context } = session;
  const project = await projectFolder(session);
  const parts = [await removeBlock(project, environment, context)];
  for (const scope of environment.uid === 0 ? (['user', 'system'] as const) : (['user'] as const)) {
    parts.push(await removeUnits(project, scope, environment, context));
  }
  const removed = parts.flatMap((part) => part.removed);
  return {
    result: { removed },
    human: (style) =>
      removed.length === 0
        ? `${style.green('✓')} Nothing was scheduled for ${project}.`
        : removed.map((what) => `${style.dim('·')} ${what} was removed`).join('\n'),
  };
}

async function sceneOf(session: Session, { without = [] }: Flags, commands: ReadonlySet<string>) {
  const { findFlock, jobsOf, systemTimeZone } = await import('../schedule/index.ts');
  const { backup } = await session.config();
  const project = await projectFolder(session);
  const program: Program = {
    node: process.execPath,
    script: await realpath(process.argv[1] ?? ''),
    project,
    logFile: path.join(project, '.structdb', 'schedule.log'),
    flags: await configFlags(session.project),
    ...(await placesOf(session, project)),
  };
  const cron = {
    program,
    timeZone: backup.timeZone,
    systemZone: await systemTimeZone(),
    now: session.context.clock.now(),
    flock: await findFlock(session.environment),
  };
  const jobs = jobsOf(backup, commands);
  const unknown = without.find((name) => jobs.every((job) => job.name !== name));
  if (unknown !== undefined) {
    throw new StructdbError('USAGE', `There is no job "${unknown}" to leave out.`, {
      hint: `Name one of: ${jobs.map(({ name }) => name).join(', ')}`,
    });
  }
  return { program, cron, jobs: jobs.filter(({ name }) => !without.includes(name)) };
}

async function unitSettings(
  session: Session,
  flags: Flags,
  { program, cron }: { readonly program: Program; readonly cron: { readonly timeZone: string } },
): Promise<UnitSettings> {
  const { systemdVersion } = await import('../schedule/index.ts');
  return {
    program,
    timeZone: cron.timeZone,
    scope: scopeOf(flags, session),
    systemd: await systemdVersion(session.environment, session.context),
  };
}

/** What a service that is shut in must still reach. */
async function placesOf(
  session: Session,
  project: string,
): Promise<Pick<Program, 'writes' | 'groupAccess' | 'socket'>> {
  const { privateDirectory } = await import('../devdb/address.ts');
  const { stores } = await session.config();
  const folders = Object.values(stores).filter((store) => store.type === 'directory');
  // No server is needed to plan: an address that cannot be made out yet asks for nothing.
  const connection = await session.connection().catch(() => undefined);
  return {
    writes: [
      ...new Set([
        path.join(project, '.structdb'),
        await privateDirectory(project),
        ...folders.map((store) => path.resolve(project, store.path)),
        ...(session.environment.variables.STRUCTDB_SCRATCH ? [session.environment.variables.STRUCTDB_SCRATCH] : []),
      ]),
    ],
    groupAccess: folders.some(({ groupAccess }) => groupAccess),
    socket: connection?.host.startsWith('/') ? connection.host : undefined,
  };
}

async function projectFolder(session: Session): Promise<string> {
  return realpath(session.project.root);
}

/** A configuration file that is not found by its name has to be named. */
async function configFlags({ configFile }: Project): Promise<string[]> {
  if (configFile === undefined || CONFIG_NAMES.includes(path.basename(configFile))) return [];
  return ['--config', await realpath(configFile)];
}

/** `wal receive`, `backup prune`, `backup`: everything that can be typed. */
function commandsOf(program: Command): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (command: Command, prefix: string) => {
    for (const each of command.commands) {
      const name = `${prefix}${each.name()}`;
      names.add(name);
      visit(each, `${name} `);
    }
  };
  visit(program, '');
  return names;
}

function scopeOf({ systemd }: Flags, { environment }: Session): UnitScope {
  if (systemd === 'user' || systemd === 'system') {
    if (systemd === 'user' || environment.uid === 0) return systemd;
    throw new StructdbError('USAGE', 'Only root installs units of the system.', {
      hint: 'Run it with sudo, or: structdb schedule install --systemd user',
    });
  }
  return environment.uid === 0 ? 'system' : 'user';
}

const CONNECTION_VARIABLES = ['STRUCTDB_DATABASE_URL', 'DATABASE_URL', 'PGHOST', 'PGSERVICE'];

/** cron and systemd do not have the variables of this shell. */
function warnOfEnvironment(session: Session, inDotEnv: ReadonlySet<string>): void {
  const { variables } = session.environment;
  const name = CONNECTION_VARIABLES.find((each) => variables[each] !== undefined && !inDotEnv.has(each));
  if (name === undefined) return;
  session.context.report({
    kind: 'warning',
    message: `${name} is set in this shell only: a scheduled run does not see it.`,
    hint: `Write it into ${path.join(session.project.root, '.env')}, or the database into structdb.config.ts.`,
  });
}

async function readDotEnvNames(root: string): Promise<ReadonlySet<string>> {
  return new Set(Object.keys(await readDotEnv(root)));
}

function describe({ written, removed }: Changes, style: Session['style'], after: string): string {
  if (written.length + removed.length === 0) return `${style.green('✓')} Everything was in place already.\n${after}`;
  return [
    ...written.map((what) => `${style.green('✓')} ${what} was written`),
    ...removed.map((what) => `${style.dim('·')} ${what} was removed`),
    after,
  ].join('\n');
}
