import { EXIT } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { MigrationState, MigrationStatus, StatusResult } from '../migrate/index.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import { statusOfFleet } from './migrate-fleet-status.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';
import { addUrlFile, type UrlFileFlags, wantsMany } from './url-file.ts';

/** `structdb migrate status` */
export function statusCommand(shell: Shell) {
  return shell.command<MigrationsFlags & UrlFileFlags & { readonly check?: boolean }>({
    name: 'status',
    summary: 'List the migrations and which of them are applied',
    example: 'structdb migrate status --check',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.workToDo, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    waits: true,
    configure: (command) =>
      addUrlFile(addMigrationsDir(command)).option(
        '--check',
        'exit 3 when migrations are pending, 4 when one was edited, is missing or was skipped',
      ),
    run: async (session, _args, { check, ...flags }) => {
      if (wantsMany(flags)) {
        return statusOfFleet(session, flags, { check: check === true, registry: () => migrationsOf(session, flags) });
      }
      const { judgeStatus, status } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const result = await status({ connection: await session.connection(), registry }, session.context);
      return {
        result,
        human: (style) => renderStatus(result, style),
        verdict: check ? judgeStatus(result) : undefined,
      };
    },
  });
}

/** A line for each migration, and one that sums up. */
function renderStatus({ migrations }: StatusResult, style: Style): string {
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const nameWidth = width(migrations.map(({ name }) => name));
  const stateWidth = width(migrations.map(({ state }) => state));
  const lines = migrations.map((migration) => {
    const { name, state, appliedAt } = migration;
    const when = appliedAt === null ? '' : `${appliedAt.slice(0, 19).replace('T', ' ')} UTC`;
    const told = [state.padEnd(stateWidth), when, style.dim(circumstances(migration))].filter(Boolean).join('  ');
    return `${mark(state, style)} ${name.padEnd(nameWidth)}  ${told}`.trimEnd();
  });
  return [...lines, summary(migrations)].join('\n');
}

function mark(state: MigrationState, style: Style): string {
  if (state === 'applied') return style.green('✓');
  return state === 'pending' ? style.yellow('·') : style.red('✗');
}

function circumstances({ appliedAt, appliedBy, checksum, durationMs, hasDown, toolVersion }: MigrationStatus): string {
  // A baseline takes no time: nothing was run.
  const ran = durationMs === 0 ? 'recorded' : `in ${formatDuration(durationMs ?? 0)}`;
  const parts = [
    durationMs !== null && `${ran} by ${appliedBy} with structdb ${toolVersion}`,
    appliedAt !== null && checksum === null && 'no checksum',
    hasDown === false && 'no down',
  ];
  return parts.filter(Boolean).join(', ');
}

function summary(migrations: readonly MigrationStatus[]): string {
  const counts = (['edited', 'missing file', 'out of order', 'pending'] as const)
    .map((state) => ({ state, count: migrations.filter((migration) => migration.state === state).length }))
    .filter(({ count }) => count > 0);
  if (counts.length === 0) return 'Up to date.';
  const told = counts.map(({ state, count }) => `${count} ${state}`).join(', ');
  return counts[0]!.state === 'pending' ? `${told}. Run: structdb migrate up` : `${told}.`;
}
