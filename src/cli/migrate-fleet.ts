import type { Command } from 'commander';
import { formatDuration } from '../core/units.ts';
import type { DatabaseOutcome, DatabaseState, UpManyOptions, UpManyResult } from '../migrate/index.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Outcome } from './shell.ts';
import {
  addUrlFile,
  countStates,
  databasesOf,
  jobsOf,
  renderFailure,
  renderTable,
  type UrlFileFlags,
} from './url-file.ts';

export interface FleetFlags extends UrlFileFlags {
  readonly keepGoing?: boolean;
}

export function addFleetFlags(command: Command): void {
  addUrlFile(command).option('--keep-going', 'with --url-file: go on with the other databases after a failure in one');
}

/** `structdb migrate up --url-file` */
export async function upFleet(
  session: Session,
  { urlFile, jobs, keepGoing }: FleetFlags,
  options: Pick<UpManyOptions, 'count' | 'lockTimeoutMs' | 'lockWaitMs'> & {
    readonly registry: () => Promise<NonNullable<UpManyOptions['registry']>>;
  },
): Promise<Outcome> {
  const { judgeUpMany, upMany } = await import('../migrate/index.ts');
  const atOnce = jobsOf(jobs);
  const waitMs = await session.waitMs();
  const databases = await databasesOf(urlFile!, session);
  const registry = await options.registry();
  const result = await upMany(
    { ...options, ...atOnce, databases, registry, keepGoing: keepGoing === true, waitMs },
    session.context,
  );
  return { result, human: (style) => renderFleet(result, style), verdict: judgeUpMany(result) };
}

const STATES: readonly DatabaseState[] = ['migrated', 'up to date', 'failed', 'locked', 'interrupted', 'not begun'];

/** A line for each database, what went wrong below, and one line that counts. */
function renderFleet({ databases }: UpManyResult, style: Style): string {
  const head = ['database', 'state', 'applied', 'now at', 'time'];
  const rows = databases.map((database) => ({ mark: mark(database.state, style), cells: cellsOf(database) }));
  return [
    ...renderTable(head, rows, style),
    ...databases.flatMap((database) => (database.state === 'interrupted' ? [] : renderFailure(database, style))),
    countStates(databases, STATES),
  ].join('\n');
}

function cellsOf({ name, state, steps, current, pending, durationMs }: DatabaseOutcome): string[] {
  if (state === 'not begun') return [name, state, '', '', ''];
  const at = pending === null ? 'not known' : (current ?? 'no migration');
  return [name, state, String(steps.length), at, formatDuration(durationMs)];
}

function mark(state: DatabaseState, style: Style): string {
  if (state === 'migrated' || state === 'up to date') return style.green('✓');
  return state === 'not begun' ? style.yellow('·') : style.red('✗');
}
