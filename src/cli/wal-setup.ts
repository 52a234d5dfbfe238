import path from 'node:path';
import type { Command } from 'commander';
import { walStoreName } from '../config/store-names.ts';
import { EXIT } from '../core/errors.ts';
import { renderSettings } from '../postgres/settings.ts';
import type { WalSource } from '../wal/index.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { openStore } from './store.ts';

interface SetupFlags {
  readonly dataDirectory?: string;
  readonly store?: string;
}

/** `structdb wal setup`: archiving for a server that is not the private one. */
export function walSetupCommand(shell: Shell): Command {
  return shell.command<SetupFlags>({
    name: 'setup <directory>',
    summary: "Lay down the archive command of a server, in a folder that the server's user reaches",
    details:
      'Prints the settings for its postgresql.conf. The private server needs none of this. Run it on the host of the server: as its user, or as root; again after each update of structdb.',
    example: 'structdb wal setup /var/lib/postgresql/structdb --data-directory /var/lib/postgresql/17/main',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) =>
      void command
        .option('--data-directory <directory>', 'reads which cluster it is from its files; the server need not run')
        .option('--store <name>', 'the store (default: backup.wal.store)'),
    run: async (session, [directory], { dataDirectory, store }) => {
      const { setUpArchive } = await import('../wal/index.ts');
      const { serverUser } = await import('../programs/system-user.ts');
      const { workingDirectory } = session.environment;
      const name = store ?? walStoreName((await session.config()).backup);
      const result = await setUpArchive(
        {
          directory: path.resolve(workingDirectory, directory as string),
          source: await sourceOf(session, dataDirectory),
          store: (await openStore(session, name)).settings!,
          user: await serverUser(session.environment),
          places: await session.places(),
        },
        session.context,
      );
      const settings = renderSettings({ archive_mode: 'on', archive_command: result.archiveCommand });
      return {
        result,
        human: (style) =>
          `${style.green('✓')} ${result.directory} archives the cluster ${result.systemIdentifier} into the store "${name}". ` +
          `For postgresql.conf (archive_mode needs a restart):\n\n${settings}`.trimEnd(),
      };
    },
  });
}

async function sourceOf(session: Session, dataDirectory: string | undefined): Promise<WalSource> {
  if (dataDirectory === undefined) return { kind: 'server', connection: await session.connection() };
  return { kind: 'data', directory: path.resolve(session.environment.workingDirectory, dataDirectory) };
}
