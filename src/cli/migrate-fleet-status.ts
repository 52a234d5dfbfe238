import type { DatabaseStatus, DatabaseStatusState, Registry, StatusManyResult } from '../migrate/index.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Outcome } from './shell.ts';
import { countStates, databasesOf, jobsOf, renderFailure, renderTable, type UrlFileFlags } from './url-file.ts';

/** `structdb migrate status --url-file` */
export async function statusOfFleet(
  session: Session,
  { urlFile, jobs }: UrlFileFlags,
  { check, registry: load }: { readonly check: boolean; readonly registry: () => Promise<Registry> },
): Promise<Outcome> {
  const { judgeStatusMany, statusMany } = await import('../migrate/index.ts');
  const atOnce = jobsOf(jobs);
  const waitMs = await session.waitMs();
  const databases = await databasesOf(urlFile!, session);
  const registry = await load();
  const result = await statusMany({ ...atOnce, databases, registry, waitMs }, session.context);
  return { result, human: (style) => renderStatuses(result, style), verdict: judgeStatusMany(result, { check }) };
}

const STATES: readonly DatabaseStatusState[] = ['up to date', 'pending', 'changed', 'failed', 'not asked'];

function renderStatuses({ databases }: StatusManyResult, style: Style): string {
  const rows = databases.map((database) => ({ mark: mark(database.state, style), cells: cellsOf(database) }));
  return [
    ...renderTable(['database', 'state', 'pending', 'at'], rows, style),
    ...databases.flatMap((database) => renderFailure(database, style)),
    countStates(databases, STATES),
  ].join('\n');
}

function cellsOf({ name, state, current, pending }: DatabaseStatus): string[] {
  if (pending === null) return [name, state, '', ''];
  return [name, state, String(pending.length), current ?? 'no migration'];
}

function mark(state: DatabaseStatusState, style: Style): string {
  if (state === 'up to date') return style.green('✓');
  return state === 'pending' || state === 'not asked' ? style.yellow('·') : style.red('✗');
}
