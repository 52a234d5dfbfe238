import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { renderPlan, renderRestored } from './restore-text.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { addIdentityOption, addStoreOption, openStore } from './store.ts';

interface RestoreFlags {
  readonly database: string;
  readonly store?: string;
  readonly identity?: string;
  readonly dryRun?: boolean;
}

/** `structdb restore <label> --database <name>`. */
export function restoreCommand(shell: Shell): Command {
  return shell.command<RestoreFlags>({
    name: 'restore <label>',
    summary: 'a backup back into a database: one that does not exist yet, or an empty one',
    details:
      'The label is one of "structdb backup list", or latest. The server is the one of --url; the source may be gone.',
    example: 'structdb restore latest --database structdb_copy',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void addIdentityOption(addStoreOption(command))
        .requiredOption('--database <name>', 'the database to restore into')
        .option('--dry-run', 'show the plan; create nothing'),
    run: async (session, [label], flags) => {
      const options = { ...(await optionsOf(session, flags)), label: String(label) };
      if (flags.dryRun) {
        const { describePlan, planDumpRestore } = await import('../restore/index.ts');
        const plan = describePlan(await planDumpRestore(options, session.context));
        return { result: plan, human: () => renderPlan(plan) };
      }
      const { restoreDump } = await import('../restore/index.ts');
      const result = await restoreDump(options, session.context);
      return { result, human: (style) => renderRestored(result, style) };
    },
  });
}

async function optionsOf(session: Session, { database, store, identity }: RestoreFlags) {
  return {
    store: await openStore(session, store, identity),
    connection: await session.connection(),
    database,
    places: await session.places(),
  };
}
