import type { ConnectionSettings } from '../config/connection.ts';
import { formatCount } from '../core/units.ts';
import type { DownPreview, DownTarget, Loss, Registry } from '../migrate/index.ts';
import type { Session } from './session.ts';

/** The question of `down` and `to`. */
export async function confirmDown(
  session: Session,
  options: {
    readonly connection: ConnectionSettings;
    readonly registry: Registry;
    readonly target: DownTarget;
  },
): Promise<void> {
  const { previewDown } = await import('../migrate/index.ts');
  await confirmLosses(
    session,
    () => previewDown(options, session.context),
    (names) => `Take back ${names} in database "${options.connection.database}"?`,
  );
}

/**
 * Tells what will be lost, and asks; where nothing would be taken back there is nothing to ask. With `--yes` nobody would
 * read it; what has no way back is refused by the run itself.
 */
export async function confirmLosses(
  session: Session,
  preview: () => Promise<DownPreview>,
  question: (names: string) => string,
): Promise<void> {
  if (!session.asks) return;
  const { names, losses } = await preview();
  if (names.length === 0) return;
  await session.confirm({ losses: losses.map(lossLine), ask: question(names.join(', ')) });
}

/** What a way down loses, in one line. */
export function lossLine(loss: Loss): string {
  const cascade = 'cascade' in loss && loss.cascade ? ', by CASCADE' : '';
  return `${whatOf(loss)}${cascade}${loss.perhaps ? ' (a DO block decides)' : ''}`;
}

function whatOf(loss: Loss): string {
  switch (loss.kind) {
    case 'table':
    case 'materialised view':
      return `${loss.kind} ${loss.table}: ${rowsOf(loss)}`;
    case 'column':
      return `column ${loss.table}.${loss.column}: ${loss.rows === null ? rowsOf(loss) : `values in ${rowsOf(loss)}`}`;
    case 'emptied':
      return `all rows of ${loss.table}: ${rowsOf(loss)}`;
    case 'deleted':
      return `rows of ${loss.table}: ${upTo(loss)}`;
    case 'seeds':
      return `seeds in ${loss.table}: ${upTo(loss)}, where unchanged and not referenced`;
    case 'view':
      return `view ${loss.table}`;
    case 'foreign table':
      return `foreign table ${loss.table}; its rows stay where they are`;
    case 'foreign key':
      return `foreign key ${loss.name} of ${loss.table}`;
    case 'object':
      return `${loss.what} ${loss.name}`;
    case 'unknown':
      return `${loss.migration}, statement ${loss.statement}, ${loss.what}: what it loses is not known`;
  }
}

interface Counted {
  readonly rows: number | null;
  readonly estimated?: true;
}

function rowsOf({ rows, estimated }: Counted): string {
  if (rows === null) return 'rows unknown';
  return `${estimated ? 'about ' : ''}${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

function upTo(counted: Counted): string {
  return counted.rows === null ? rowsOf(counted) : `up to ${rowsOf(counted)}`;
}
