import { createHash } from 'node:crypto';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
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

/** systemd knows time zones (systemd.time(7)) and runs what was missed while the machine was off (Persistent). */
export function renderUnits(jobs: readonly Job[], program: Program, timeZone: string, scope: UnitScope): Unit[] {
  return jobs.flatMap((job) => renderJob(job, program, timeZone, scope));
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

function renderJob(job: Job, program: Program, timeZone: string, scope: UnitScope): Unit[] {
  const base = unitPrefix(program.project) + job.name;
  const calendar = calendarOf(job.when, timeZone);
  const isService = calendar === undefined;
  const service = [
    unitMarker(program.project),
    '[Unit]',
    `Description=structdb: ${job.description}`,
    ...(isService ? ['After=network-online.target'] : []),
    '',
    '[Service]',
    ...(isService ? ['Restart=always', 'RestartSec=10'] : ['Type=oneshot']),
    `WorkingDirectory=${literal(program.project)}`,
    // env, because no variable is replaced in the first word, and a dollar sign would have to stand single there.
    `ExecStart=/usr/bin/env ${[program.node, program.script, ...job.args, ...program.flags].map(quoteWord).join(' ')}`,
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

function calendarOf(when: When, timeZone: string): string | undefined {
  if (when.kind === 'service') return undefined;
  if (when.kind === 'minutes') return `*:0/${when.every}`;
  return `${when.kind === 'weekly' ? 'Sun ' : ''}*-*-* ${when.at}:00 ${timeZone}`;
}

/** A word of ExecStart (systemd.service(5), "Command lines"): C escapes in double quotes, %% and $$ for themselves. */
function quoteWord(word: string): string {
  const escaped = requirePlain(word)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$');
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
