import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatCount, formatDuration } from '../core/units.ts';
import type { Shell } from './shell.ts';

/** `structdb dashboard …`: the materialised view behind the platform's overview. */
export function dashboardCommand(shell: Shell): Command {
  return shell.group('dashboard', 'Keep project_dashboard fresh', [refreshCommand(shell)]);
}

function refreshCommand(shell: Shell): Command {
  return shell.command({
    name: 'refresh',
    summary: 'Refresh project_dashboard while readers go on',
    example: 'structdb dashboard refresh',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted],
    connects: true,
    run: async (session) => {
      const { refreshDashboard } = await import('../database/dashboard.ts');
      const result = await refreshDashboard({ connection: await session.connection() }, session.context);
      return {
        result,
        human: () =>
          `Refreshed ${result.view} in ${formatDuration(result.durationMs)}: ${formatCount(result.rows)} rows.`,
      };
    },
  });
}
