import type { Command } from 'commander';
import type { ConnectionSettings } from '../config/connection.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';
import type { DownTarget, Loss, MigrateResult, Registry } from '../migrate/index.ts';
import { durationOf } from './duration.ts';
import { baselineCommand } from './migrate-baseline.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import { addFleetFlags, type FleetFlags, upFleet } from './migrate-fleet.ts';
import { lintCommand } from './migrate-lint.ts';
import { planCommand } from './migrate-plan.ts';
import { repairCommand } from './migrate-repair.ts';
import { statusCommand } from './migrate-status.ts';
import { typesCommand } from './migrate-types.ts';
import { verifyCommand } from './migrate-verify.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { wantsMany } from './url-file.ts';

interface RunFlags extends MigrationsFlags {
  readonly lockWait?: string;
  readonly lockTimeout?: string;
}

/** `structdb migrate …`: the schema and its versions. */
export function migrateCommand(shell: Shell): Command {
  return shell.group('migrate', 'Bring the schema to a version, and tell at which it is', [
    upCommand(shell),
    downCommand(shell),
    toCommand(shell),
    statusCommand(shell),
    planCommand(shell),
    lintCommand(shell),
    baselineCommand(shell),
    typesCommand(shell),
    repairCommand(shell),
    verifyCommand(shell),
  ]);
}

const RUN_CODES = [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted];

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

function addRunFlags(command: Command): void {
  addMigrationsDir(command)
    .option(
      '--lock-wait <duration>',
      'how long to wait for another migration run, e.g. "5 minutes" (default: 1 minute)',
    )
    .option(
      '--lock-timeout <duration>',
      'how long a statement waits for a lock before the migration is tried again (default: 5 s)',
    );
}

function lockOptions({ lockWait, lockTimeout }: RunFlags): { lockWaitMs?: number; lockTimeoutMs?: number } {
  return {
    ...(lockWait === undefined ? {} : { lockWaitMs: durationOf('--lock-wait', lockWait) }),
    ...(lockTimeout === undefined ? {} : { lockTimeoutMs: durationOf('--lock-timeout', lockTimeout) }),
  };
}

function stepCount(text: string | undefined): { count?: number } {
  if (text === undefined) return {};
  if (/^[1-9]\d{0,5}$/.test(text)) return { count: Number(text) };
  throw new StructdbError('USAGE', `"${text}" is not a number of migrations.`, {
    hint: 'Give a whole number from 1; for a name: structdb migrate to <name>',
  });
}

async function confirmDown(
  session: Session,
  options: {
    readonly connection: ConnectionSettings;
    readonly registry: Registry;
    readonly target: DownTarget;
  },
): Promise<void> {
  const { previewDown } = await import('../migrate/index.ts');
  const { names, losses } = await previewDown(options, session.context);
  if (names.length === 0) return;
  await session.confirm({
    losses: losses.map(renderLoss),
    ask: `Take back ${names.join(', ')} in database "${options.connection.database}"?`,
  });
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

function renderRun({ steps, current, pending }: MigrateResult, style: Style): string {
  const at = current === null ? 'no migration is applied' : `the database is at ${style.bold(current)}`;
  const waiting = pending.length > 0 ? `, ${pending.length} pending` : '';
  if (steps.length === 0) return `Nothing to do: ${at}${waiting}.`;
  const verb = steps[0]!.direction === 'up' ? 'Applied' : 'Took back';
  return `${verb} ${steps.length} ${steps.length === 1 ? 'migration' : 'migrations'}: ${at}${waiting}.`;
}
