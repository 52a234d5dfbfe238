import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { keepMemorySmall } from './memory.ts';
import { renderQuickstart } from './quickstart-text.ts';
import type { Shell } from './shell.ts';
import { actorOf, configuredWalStore, openStore } from './store.ts';

/** `structdb quickstart`. */
export function quickstartCommand(shell: Shell): Command {
  return shell.command<{ readonly keepLast?: string }>({
    name: 'quickstart',
    summary: 'From nothing to a proven database: server, schema, catalogs, rows, bench, backup, drill',
    details:
      'Works on the private server of this checkout. Run again, it uses what is there and adds one backup and one drill.',
    example: 'structdb quickstart --keep-last 3',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted],
    configure: (command) =>
      void command.option('--keep-last <n>', "keep that many of quickstart's own backups (default: 3)"),
    run: async (session, _args, flags) => {
      keepMemorySmall();
      const keepLast = positive(flags.keepLast ?? '3');
      const { quickstart } = await import('../journeys/quickstart.ts');
      const { result, verdict } = await quickstart(
        {
          projectRoot: session.project.root,
          places: await session.places(),
          config: await session.config(),
          actor: actorOf(session, 'quickstart'),
          openStore: () => openStore(session),
          walStore: await configuredWalStore(session),
          keepLast,
        },
        session.context,
      );
      return { result, human: (style) => renderQuickstart(result, style), verdict };
    },
  });
}

function positive(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new StructdbError('USAGE', `--keep-last takes a whole number from 1 to 9999, not "${text}".`, {
    hint: 'Run: structdb quickstart --help',
  });
}
