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
  const preview = await previewDown(options, session.context);
  await confirmLosses(session, preview, (names) => `Take back ${names} in database "${options.connection.database}"?`);
}

/** Tells what will be lost, and asks; where nothing would be taken back there is nothing to ask. */
export async function confirmLosses(
  session: Session,
  { names, losses }: DownPreview,
  question: (names: string) => string,
): Promise<void> {
  if (names.length === 0) return;
  await session.confirm({ losses: losses.map(renderLoss), ask: question(names.join(', ')) });
}

function renderLoss(loss: Loss): string {
  const rows = `${formatCount(loss.rows)} ${loss.rows === 1 ? 'row' : 'rows'}`;
  switch (loss.kind) {
    case 'table':
      return `table ${loss.table}: ${rows}`;
    case 'view':
      return `materialised view ${loss.table}: ${rows}`;
    case 'column':
      return `column ${loss.table}.${loss.column}: values in ${rows}`;
    case 'seeds':
      return `seeds in ${loss.table}: up to ${rows}, where unchanged and not referenced`;
  }
}
