import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, messageOf, StructdbError } from '../core/errors.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';

/** `structdb wal push`: what `src/entries/wal.ts` does, by hand. */
export function walCommand(shell: Shell): Command {
  return shell.group('wal', 'The archive of the write-ahead log', [
    shell.command<{ readonly archive?: string }>({
      name: 'push <file>',
      summary: 'Archive one WAL file; exit 0 only when it is durable',
      details:
        'The private server does this by itself, through its archive_command. The file is %p of archive_command.',
      example: 'structdb wal push pg_wal/000000010000000000000001',
      exitCodes: [EXIT.ok, EXIT.failed],
      configure: (command) =>
        void command.option('--archive <file>', 'archive.json of the cluster (default: that of the private server)'),
      run: async (session, [file], { archive }) => {
        const result = await session.undisturbed(() => push(session, file as string, archive));
        const text = result.written ? 'is archived' : 'was archived before, with the same content';
        return {
          result,
          human: (style) =>
            `${style.green('✓')} ${result.name} ${text}.${result.warning ? `\n${style.yellow('!')} ${result.warning}` : ''}`,
        };
      },
    }),
  ]);
}

/** Whatever goes wrong ends with exit code 1, so that PostgreSQL keeps the file and tries again. */
async function push(session: Session, file: string, archive: string | undefined) {
  try {
    const { pushWalFile, readArchiveSettings } = await import('../wal/index.ts');
    const { privateDirectory } = await import('../devdb/address.ts');
    const { openStoreOf } = await import('../storage/open-store.ts');
    const { workingDirectory, uid } = session.environment;
    const settings = await readArchiveSettings(
      archive === undefined
        ? path.join(await privateDirectory(session.project.root), 'archive', 'archive.json')
        : path.resolve(workingDirectory, archive),
    );
    const store = await openStoreOf(settings.store, { uid, owner: await ownerOf(session) });
    return await pushWalFile({ file: path.resolve(workingDirectory, file), store, settings });
  } catch (error) {
    if (error instanceof StructdbError && error.exitCode === EXIT.failed) throw error;
    const hint = error instanceof StructdbError ? error.hint : undefined;
    throw new StructdbError('WAL_PUSH_FAILED', messageOf(error), { cause: error, ...(hint ? { hint } : {}) });
  }
}

/** A store that root makes belongs to the server's user. */
async function ownerOf(session: Session) {
  const { serverUser } = await import('../programs/system-user.ts');
  return serverUser(session.environment).catch(() => undefined);
}
