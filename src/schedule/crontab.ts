import { StructdbError } from '../core/errors.ts';
import { type Calendar, periodStart } from '../core/period.ts';
import type { Job, Program } from './jobs.ts';

/** What the lines of a crontab need besides the jobs. */
export interface CronSettings {
  readonly program: Program;
  /** The zone in which the configuration names times. */
  readonly timeZone: string;
  /** The zone of the machine, by which cron goes: it knows no other (crontab(5); CRON_TZ is cronie's alone). */
  readonly systemZone: string;
  readonly now: Date;
  /** util-linux's flock, where the machine has it: what runs already is then not even started. */
  readonly flock?: string | undefined;
}

const DAY_MS = 86_400_000;

/**
 * The block of a project in a crontab, between its two markers. A backup's time in another zone falls on more than one
 * local time in the course of a year: then there is a line for each, and the run that comes too early finds nothing due.
 * @throws USAGE for a path that cron cannot be given
 */
export function renderBlock(jobs: readonly Job[], settings: CronSettings): string {
  const lines = jobs.flatMap((job) => renderJob(job, settings));
  return `${[beginMarker(settings.program.project), ...lines, endMarker(settings.program.project)].join('\n')}\n`;
}

/** The crontab with this project's block at its place, or at the end; all other bytes as they are. @throws FILE_UNREADABLE */
export function withBlock(crontab: string, project: string, block: string): string {
  const found = findBlock(crontab, project);
  if (!found) return crontab + (crontab === '' || crontab.endsWith('\n') ? '' : '\n') + block;
  return crontab.slice(0, found.begin) + block + crontab.slice(found.end);
}

/** The crontab without this project's block. @throws FILE_UNREADABLE */
export function withoutBlock(crontab: string, project: string): string {
  return withBlock(crontab, project, '');
}

/** Whether the crontab has a block of this project. @throws FILE_UNREADABLE */
export function hasBlock(crontab: string, project: string): boolean {
  return findBlock(crontab, project) !== undefined;
}

function findBlock(crontab: string, project: string): { begin: number; end: number } | undefined {
  const begin = lineAt(crontab, beginMarker(project));
  const end = lineAt(crontab, endMarker(project));
  if (begin === undefined && end === undefined) return undefined;
  if (begin === undefined || end === undefined || end < begin) {
    throw new StructdbError('FILE_UNREADABLE', 'The block of structdb in the crontab has lost one of its markers.', {
      hint: `Put it right by hand (crontab -e): it begins with "${beginMarker(project)}"`,
    });
  }
  const after = crontab.indexOf('\n', end);
  return { begin, end: after < 0 ? crontab.length : after + 1 };
}

/** Where a line of exactly this text begins. */
function lineAt(text: string, line: string): number | undefined {
  const index = `\n${text}\n`.indexOf(`\n${line}\n`);
  return index < 0 ? undefined : index;
}

function beginMarker(project: string): string {
  return `# BEGIN structdb ${project}`;
}

function endMarker(project: string): string {
  return `# END structdb ${project}`;
}

function renderJob(job: Job, settings: CronSettings): string[] {
  const { when } = job;
  const command = renderCommand(job, settings);
  const comment = `# ${job.name}: ${job.description}`;
  if (when.kind === 'minutes') return [comment, `*/${when.every} * * * * ${command}`];
  // Whichever runs already is left alone: its lease, slot or port is taken.
  if (when.kind === 'service') return [`${comment} (looked after every 5 minutes)`, `*/5 * * * * ${command}`];
  const times = localTimes(when.at, settings);
  const day = when.kind === 'weekly' ? '0' : '*';
  // Only backups are told by what is due; anything else would run twice.
  const used = job.name === 'backup' ? times : times.slice(0, 1);
  const zone = settings.timeZone === settings.systemZone ? '' : `, ${when.at} in ${settings.timeZone}`;
  return [
    `${comment}${zone}`,
    ...used.map((time) => {
      const [hour, minute] = time.split(':').map(Number) as [number, number];
      return `${minute} ${hour} * * ${day} ${command}`;
    }),
  ];
}

/** The times of day, by the machine's clocks, on which a time of day of another zone falls within a year. */
export function localTimes(
  at: string,
  { timeZone, systemZone, now }: Pick<CronSettings, 'timeZone' | 'systemZone' | 'now'>,
): string[] {
  if (timeZone === systemZone) return [at];
  const calendar: Calendar = { at, timeZone };
  const show = new Intl.DateTimeFormat('en-GB', {
    timeZone: systemZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const counts = new Map<string, number>();
  for (let day = 0; day < 366; day += 1) {
    const time = show.format(periodStart('daily', new Date(now.getTime() + day * DAY_MS), calendar));
    counts.set(time, (counts.get(time) ?? 0) + 1);
  }
  // A day whose clocks skip the time is one of a kind: the next line of that day makes its backup.
  return [...counts]
    .filter(([, days]) => days > 2)
    .map(([time]) => time)
    .sort();
}

/**
 * One line of shell. Nothing is left on standard output and error, of which cron would make a mail. Those that run all
 * the time log their errors only.
 */
function renderCommand({ name, args, when }: Job, { program, flock }: CronSettings): string {
  const { node, script, project, logFile, flags } = program;
  const guard = when.kind === 'service' && flock !== undefined ? [flock, '-n', `${logFile}.${name}.lock`] : [];
  const words = [...guard, node, script, ...args, ...flags];
  const log = quoteForShell(logFile);
  const output = when.kind === 'daily' || when.kind === 'weekly' ? `>>${log} 2>&1` : `>/dev/null 2>>${log}`;
  const command = `cd ${quoteForShell(project)} && ${words.map(quoteForShell).join(' ')} ${output}`;
  // cron makes a line feed of %, unless a backslash precedes it; what it does to other backslashes differs by version.
  if (/[\\\p{Cc}]/u.test([...words, project, logFile].join(''))) {
    throw new StructdbError(
      'USAGE',
      'A path with a backslash or a control character cannot be written into a crontab.',
      {
        hint: `Move the project, or use systemd: structdb schedule install --systemd   (${project})`,
      },
    );
  }
  return command.replaceAll('%', '\\%');
}

function quoteForShell(word: string): string {
  return /^[\w@+:,./=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
