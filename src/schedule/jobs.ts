import type { Config } from '../config/schema.ts';

/** When a job runs: at a time of day in the zone of the configuration, every few minutes, or always. */
export type When =
  | { readonly kind: 'daily'; readonly at: string }
  | { readonly kind: 'weekly'; readonly at: string }
  | { readonly kind: 'minutes'; readonly every: number }
  | { readonly kind: 'service' };

/** Something that structdb is to do by itself. */
export interface Job {
  /** Names units and log lines: letters and dashes. */
  readonly name: string;
  readonly description: string;
  readonly args: readonly string[];
  readonly when: When;
}

/** Where and with what jobs run: absolute paths, because cron and systemd know no others. */
export interface Program {
  readonly node: string;
  readonly script: string;
  /** The folder of the configuration, which jobs work in. */
  readonly project: string;
  readonly logFile: string;
  /** Flags of every job: `--config` where the configuration is not found by its name. */
  readonly flags: readonly string[];
  /** The folders that what runs always writes into: the project's state, and stores that are directories. */
  readonly writes: readonly string[];
  /** Whether a store gives its folders to a group. */
  readonly groupAccess: boolean;
  /** The folder of PostgreSQL's socket; undefined where it is reached over the network, or nothing is known yet. */
  readonly socket?: string | undefined;
}

const DASHBOARD_MINUTES = 5;
/** Pruning follows each scheduled backup; this run is for the days on which that failed. */
const PRUNE_AFTER_MINUTES = 90;
const DRILL_AFTER_MINUTES = 150;

/**
 * Every job of a configuration. Backups are asked for daily: weekly and monthly ones are made by the same run when they
 * are due. `commands`: what this structdb has (`wal receive`), so that nothing is scheduled that would only fail.
 */
export function jobsOf(backup: Config['backup'], commands: ReadonlySet<string>): Job[] {
  const { at } = backup.daily;
  const jobs: Job[] = [
    {
      name: 'backup',
      description: 'backups that are due',
      args: ['backup', '--no-color'],
      when: { kind: 'daily', at },
    },
    {
      name: 'prune',
      description: 'backups and WAL that nothing keeps',
      args: ['backup', 'prune', '--yes', '--no-color'],
      when: { kind: 'daily', at: later(at, PRUNE_AFTER_MINUTES) },
    },
    {
      name: 'drill',
      description: 'a restore of the newest backup, measured and judged',
      args: ['dr-test', '--no-color'],
      when: { kind: 'weekly', at: later(at, DRILL_AFTER_MINUTES) },
    },
    {
      name: 'dashboard',
      description: 'refresh of project_dashboard',
      args: ['dashboard', 'refresh', '--quiet', '--no-color'],
      when: { kind: 'minutes', every: DASHBOARD_MINUTES },
    },
    {
      name: 'receive',
      description: 'write-ahead log as it is written',
      args: ['wal', 'receive', '--no-color'],
      when: { kind: 'service' },
    },
    {
      name: 'monitor',
      description: 'metrics and status page',
      args: ['monitor', 'serve', '--no-color'],
      when: { kind: 'service' },
    },
  ];
  const commandOf = ({ args }: Job) => args.filter((word) => !word.startsWith('-')).join(' ');
  return jobs.filter((job) => commands.has(commandOf(job)));
}

/** A time of day so many minutes later; the next day's when it passes midnight. */
function later(at: string, minutes: number): string {
  const [hour, minute] = at.split(':').map(Number) as [number, number];
  const total = (hour * 60 + minute + minutes) % 1440;
  return `${String(Math.floor(total / 60)).padStart(2, '0')}:${String(total % 60).padStart(2, '0')}`;
}
