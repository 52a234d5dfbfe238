import { createHash } from 'node:crypto';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { hardening, writablePaths } from './hardening.ts';
import type { Job, Program, When } from './jobs.ts';

/** A file of systemd. */
export interface Unit {
  /** `structdb-app-1a2b3c4d-backup.timer` */
  readonly name: string;
  readonly text: string;
  /** Whether it is enabled; the service of a timer is started by it. */
  readonly enabled: boolean;
}

export type UnitScope = 'user' | 'system';

/** What units need besides the jobs. */
export interface UnitSettings {
  readonly program: Program;
  /** The zone in which the configuration names times. */
  readonly timeZone: string;
  readonly scope: UnitScope;
  /** Of systemd on the machine that they are for, e.g. 252; undefined: nobody knows. */
  readonly systemd?: number | undefined;
}

/** systemd knows time zones (systemd.time(7)) and runs what was missed while the machine was off (Persistent). */
export function renderUnits(jobs: readonly Job[], settings: UnitSettings): Unit[] {
  return jobs.flatMap((job) => renderJob(job, settings));
}

/** Begins the names of all units of a project: two projects of one name are told apart by their paths. */
export function unitPrefix(project: string): string {
  const name =
    path
      .basename(project)
      .replaceAll(/[^A-Za-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'project';
  const mark = createHash('sha256').update(project).digest('hex').slice(0, 8);
  return `structdb-${name.slice(0, 40)}-${mark}-`;
}

/** The first line of every unit of a project: `remove` deletes nothing that lacks it. */
export function unitMarker(project: string): string {
  return `# Written by structdb schedule for ${project}`;
}

function renderJob(job: Job, settings: UnitSettings): Unit[] {
  const { program, timeZone, scope } = settings;
  const base = unitPrefix(program.project) + job.name;
  const calendar = calendarOf(job.when, timeZone);
  const isService = calendar === undefined;
  const service = [
    unitMarker(program.project),
    '[Unit]',
    `Description=structdb: ${job.description}`,
    ...(isService ? comesBack(scope) : []),
    '',
    '[Service]',
    ...(isService ? restarts(settings.systemd) : ['Type=oneshot']),
    `WorkingDirectory=${literal(program.project)}`,
    // env, because no variable is replaced in the first word, and a dollar sign would have to stand single there.
    `ExecStart=/usr/bin/env ${[program.node, program.script, ...job.args, ...program.flags].map(quoteWord).join(' ')}`,
    ...shutIn(job, settings),
    ...(isService ? ['', '[Install]', `WantedBy=${scope === 'system' ? 'multi-user' : 'default'}.target`] : []),
  ];
  const units: Unit[] = [{ name: `${base}.service`, text: `${service.join('\n')}\n`, enabled: isService }];
  if (isService) return units;
  const timer = [
    unitMarker(program.project),
    '[Unit]',
    `Description=structdb: when to start ${job.name}`,
    '',
    '[Timer]',
    `OnCalendar=${calendar}`,
    'Persistent=true',
    'AccuracySec=1s',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
  return [...units, { name: `${base}.timer`, text: `${timer.join('\n')}\n`, enabled: true }];
}

/** systemd gives up what fails often within ten seconds, unless told otherwise: a server may be away for hours. */
function comesBack(scope: UnitScope): string[] {
  const network = scope === 'system' ? ['After=network-online.target', 'Wants=network-online.target'] : [];
  return [...network, 'StartLimitIntervalSec=0'];
}

/** The pauses grow from five seconds to five minutes where systemd can (254); SIGTERM may end structdb with 130. */
function restarts(systemd: number | undefined): string[] {
  const pauses =
    (systemd ?? 0) >= GROWING_PAUSES ? ['RestartSec=5', 'RestartSteps=8', 'RestartMaxDelaySec=300'] : ['RestartSec=10'];
  return ['Restart=always', ...pauses, 'SuccessExitStatus=130'];
}

const GROWING_PAUSES = 254;

function shutIn(job: Job, { program, scope }: UnitSettings): string[] {
  const lines = hardening(job, program, scope).map(([name, value]) => `${name}=${value}`);
  if (!lines.includes('ProtectSystem=strict')) return lines;
  // The minus: a folder that is not there yet keeps nothing from starting.
  return [...lines, ...writablePaths(program).map((folder) => `ReadWritePaths=${quotePath(`-${folder}`)}`)];
}

function calendarOf(when: When, timeZone: string): string | undefined {
  if (when.kind === 'service') return undefined;
  if (when.kind === 'minutes') return `*:0/${when.every}`;
  return `${when.kind === 'weekly' ? 'Sun ' : ''}*-*-* ${when.at}:00 ${timeZone}`;
}

/** A word of ExecStart (systemd.service(5), "Command lines"): C escapes in double quotes, %% and $$ for themselves. */
function quoteWord(word: string): string {
  return quotePath(word.replaceAll('$', '$$$$'));
}

/** A path in a list of them (systemd.syntax(7), "Quoting"), where no variable is replaced. */
function quotePath(text: string): string {
  const escaped = requirePlain(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return /^[\w@+:,./=%-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** The value of a setting that is a path: taken as it is, but for specifiers. */
function literal(value: string): string {
  return requirePlain(value).replaceAll('%', '%%');
}

function requirePlain(value: string): string {
  // At the end of a line a backslash would join it with the next; blanks there are cut off.
  if (!/\p{Cc}/u.test(value) && !/[\\\s]$/.test(value)) return value;
  throw new StructdbError(
    'USAGE',
    'A path with a control character, or a blank or backslash at its end, fits no unit.',
    {
      hint: `Move the project: ${JSON.stringify(value)}`,
    },
  );
}
