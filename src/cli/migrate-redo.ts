import type { Command } from 'commander';
import type { MigrateResult } from '../migrate/index.ts';
import { migrationsOf } from './migrate-common.ts';
import { confirmLosses } from './migrate-losses.ts';
import {
  addRunFlags,
  lockOptions,
  migrations,
  RUN_CODES,
  type RunFlags,
  renderState,
  stepCount,
} from './migrate-run.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb migrate redo [n]`: after an edit of what was applied last. */
export function redoCommand(shell: Shell): Command {
  return shell.command<RunFlags>({
    name: 'redo [n]',
    summary: 'Take back the last migration, or the last n, and apply the same again as they are now',
    details:
      'No other run can come in between. Tells first what will be lost, and asks; applying again brings no rows back.',
    example: 'structdb migrate redo --yes',
    exitCodes: RUN_CODES,
    connects: true,
    waits: true,
    destructive: true,
    configure: addRunFlags,
    run: async (session, [text], flags) => {
      const { previewRedo, redo } = await import('../migrate/index.ts');
      const { count = 1 } = stepCount(text as string | undefined);
      const limits = lockOptions(flags);
      const registry = await migrationsOf(session, flags);
      const connection = await session.connection();
      await confirmLosses(
        session,
        () => previewRedo({ connection, registry, count }, session.context),
        (names) => `Take back ${names} in database "${connection.database}" and apply again?`,
      );
      const result = await redo({ connection, registry, ...limits, count }, session.context);
      return { result, human: (style) => renderRedo(result, style) };
    },
  });
}

function renderRedo(result: MigrateResult, style: Style): string {
  const at = renderState(result, style);
  const again = result.steps.filter(({ direction }) => direction === 'up').length;
  return again === 0 ? `Nothing to do: ${at}.` : `Took back and applied again ${migrations(again)}: ${at}.`;
}
