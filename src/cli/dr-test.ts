import type { Command } from 'commander';
import type { ConnectionSettings } from '../config/connection.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { renderDrill } from './dr-test-text.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { openStore } from './store.ts';

interface DrillFlags {
  readonly label?: string;
  readonly store?: string;
  readonly requireRpo?: boolean;
}

/** `structdb dr-test [run]`. */
export function drTestCommand(shell: Shell): Command {
  return shell.group(
    'dr-test',
    'drills: a backup is really restored, timed, checked and judged',
    [
      shell.command<DrillFlags>({
        name: 'run',
        summary: 'restore the newest backup on a server of its own, and judge it (what plain "structdb dr-test" does)',
        details:
          'The source is never written to, and may be down: with its name in --url, the newest backup of that database is taken.',
        example: 'structdb dr-test --json',
        exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
        connects: true,
        configure: (command) =>
          void command
            .option('--label <label>', 'this backup, instead of the newest of the database')
            .option(
              '--store <name>',
              'the store of the configuration to take it from (that of the daily backup by default)',
            )
            .option('--require-rpo', 'fail unless the recovery point is proven, which no dump can'),
        run: runDrillCommand,
      }),
    ],
    { default: 'run' },
  );
}

async function runDrillCommand(session: Session, _args: readonly unknown[], flags: DrillFlags) {
  const { runDrill } = await import('../drill/index.ts');
  const { result, verdict } = await runDrill(
    {
      store: await openStore(session, flags.store),
      connection: await knownConnection(session),
      places: await session.places(),
      objectives: (await session.config()).objectives,
      label: flags.label,
      requireRpo: flags.requireRpo,
    },
    session.context,
  );
  return { result, human: (style: Session['style']) => renderDrill(result, style), verdict };
}

/** A drill needs no server but its own: where none is named, the store says what there is. */
async function knownConnection(session: Session): Promise<ConnectionSettings | undefined> {
  return session.connection().catch((error: unknown) => {
    if (error instanceof StructdbError && error.code === 'NO_CONNECTION') return undefined;
    throw error;
  });
}
