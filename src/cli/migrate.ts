import type { Command } from 'commander';
import type { MigrateResult } from '../migrate/index.ts';
import { baselineCommand } from './migrate-baseline.ts';
import { migrationsOf } from './migrate-common.ts';
import { createCommand } from './migrate-create.ts';
import { addFleetFlags, type FleetFlags, upFleet } from './migrate-fleet.ts';
import { lintCommand } from './migrate-lint.ts';
import { confirmDown } from './migrate-losses.ts';
import { planCommand } from './migrate-plan.ts';
import { redoCommand } from './migrate-redo.ts';
import { repairCommand } from './migrate-repair.ts';
import {
  addRunFlags,
  lockOptions,
  migrations,
  RUN_CODES,
  type RunFlags,
  renderState,
  stepCount,
} from './migrate-run.ts';
import { statusCommand } from './migrate-status.ts';
import { typesCommand } from './migrate-types.ts';
import { verifyCommand } from './migrate-verify.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';
import { wantsMany } from './url-file.ts';

/** `structdb migrate …`: the schema and its versions. */
export function migrateCommand(shell: Shell): Command {
  return shell.group('migrate', 'Bring the schema to a version, and tell at which it is', [
    upCommand(shell),
    downCommand(shell),
    toCommand(shell),
    redoCommand(shell),
    statusCommand(shell),
    planCommand(shell),
    lintCommand(shell),
    createCommand(shell),
    baselineCommand(shell),
    typesCommand(shell),
    repairCommand(shell),
    verifyCommand(shell),
  ]);
}

function upCommand(shell: Shell): Command {
  return shell.command<RunFlags & FleetFlags>({
    name: 'up [n]',
    summary: 'Apply all pending migrations, or the next n',
    example: 'structdb migrate up',
    exitCodes: RUN_CODES,
    connects: true,
    waits: true,
    configure: (command) => {
      addRunFlags(command);
      addFleetFlags(command);
    },
    run: async (session, [count], flags) => {
      const steps = stepCount(count as string | undefined);
      if (wantsMany(flags)) {
        return upFleet(session, flags, {
          ...lockOptions(flags),
          ...steps,
          registry: () => migrationsOf(session, flags),
        });
      }
      const { up } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const connection = await session.connection();
      const result = await up({ connection, registry, ...lockOptions(flags), ...steps }, session.context);
      return { result, human: (style) => renderRun(result, style) };
    },
  });
}

function downCommand(shell: Shell): Command {
  return shell.command<RunFlags>({
    name: 'down [n]',
    summary: 'Take back the last migration, or the last n',
    details: 'Tells first what will be lost, and asks.',
    example: 'structdb migrate down 2 --yes',
    exitCodes: RUN_CODES,
    connects: true,
    waits: true,
    destructive: true,
    configure: addRunFlags,
    run: async (session, [text], flags) => {
      const { down } = await import('../migrate/index.ts');
      const { count = 1 } = stepCount(text as string | undefined);
      const registry = await migrationsOf(session, flags);
      const connection = await session.connection();
      await confirmDown(session, { connection, registry, target: { count } });
      const result = await down({ connection, registry, ...lockOptions(flags), count }, session.context);
      return { result, human: (style) => renderRun(result, style) };
    },
  });
}

function toCommand(shell: Shell): Command {
  return shell.command<RunFlags>({
    name: 'to <name>',
    summary: 'Go up or down until this migration is the last applied one',
    details: 'The name may be its number. Going down tells first what will be lost, and asks.',
    example: 'structdb migrate to 004',
    exitCodes: RUN_CODES,
    connects: true,
    waits: true,
    destructive: true,
    configure: addRunFlags,
    run: async (session, [wish], flags) => {
      const { resolveMigrationName, to } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const name = resolveMigrationName(wish as string, Object.keys(registry).sort());
      const connection = await session.connection();
      await confirmDown(session, { connection, registry, target: { name } });
      const result = await to({ connection, registry, ...lockOptions(flags), name }, session.context);
      return { result, human: (style) => renderRun(result, style) };
    },
  });
}

function renderRun(result: MigrateResult, style: Style): string {
  const { steps } = result;
  const at = renderState(result, style);
  if (steps.length === 0) return `Nothing to do: ${at}.`;
  const verb = steps[0]!.direction === 'up' ? 'Applied' : 'Took back';
  return `${verb} ${migrations(steps.length)}: ${at}.`;
}
