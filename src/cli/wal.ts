import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, messageOf, StructdbError } from '../core/errors.ts';
import type { ArchiveSettings, FetchResult, PushResult } from '../wal/index.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';

interface ArchiveFlag {
  readonly archive?: string;
}

/** `structdb wal push|fetch|…`: the first two do what `src/entries/wal.ts` does, by hand. */
export function walCommand(shell: Shell): Command {
  return shell.group('wal', 'The archive of the write-ahead log', [pushCommand(shell), fetchCommand(shell)]);
}

function pushCommand(shell: Shell): Command {
  return shell.command<ArchiveFlag>({
    name: 'push <file>',
    summary: 'Archive one WAL file; exit 0 only when it is durable',
    details: 'The private server does this by itself, through its archive_command. The file is %p of archive_command.',
    example: 'structdb wal push pg_wal/000000010000000000000001',
    exitCodes: [EXIT.ok, EXIT.failed],
    configure: withArchiveFlag,
    run: async (session, [file], { archive }) => {
      const result = await session.undisturbed(() => push(session, file as string, archive));
      const text = result.written ? 'is archived' : 'was archived before, with the same content';
      return {
        result,
        human: (style) =>
          `${style.green('✓')} ${result.name} ${text}.${result.warning ? `\n${style.yellow('!')} ${result.warning}` : ''}`,
      };
    },
  });
}

function fetchCommand(shell: Shell): Command {
  return shell.command<ArchiveFlag>({
    name: 'fetch <name> <path>',
    summary: 'Bring one WAL file back; exit 1 only when the store says that it is not there',
    details: 'A restored server does this by itself, through its restore_command. The two are its %f and %p.',
    example: 'structdb wal fetch 000000010000000000000001 pg_wal/RECOVERYXLOG',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.notFetched],
    configure: withArchiveFlag,
    run: async (session, [name, target], { archive }) => {
      const result = await session.undisturbed(() => fetch(session, String(name), String(target), archive));
      if (result.from === 'absent') {
        throw new StructdbError('WAL_MISSING', `The archive has no ${result.name}.`, {
          hint: 'See what it has: structdb wal status',
        });
      }
      const what = result.endLsn === null ? 'as it was archived' : `up to ${result.endLsn}, as wal receive had it`;
      return { result, human: (style) => `${style.green('✓')} ${result.name} is at ${String(target)}, ${what}.` };
    },
  });
}

function withArchiveFlag(command: Command): void {
  command.option('--archive <file>', 'archive.json of the cluster (default: that of the private server)');
}

/** Whatever goes wrong ends with exit code 1, so that PostgreSQL keeps the file and tries again. */
async function push(session: Session, file: string, archive: string | undefined): Promise<PushResult> {
  try {
    const { pushWalFile } = await import('../wal/index.ts');
    const { settings, store } = await openArchive(session, archive);
    return await pushWalFile({ file: path.resolve(session.environment.workingDirectory, file), store, settings });
  } catch (error) {
    if (error instanceof StructdbError && error.exitCode === EXIT.failed) throw error;
    throw asFailure('WAL_PUSH_FAILED', error);
  }
}

/** Whatever goes wrong ends with an exit code above 125, so that PostgreSQL does not take it for the end of WAL. */
async function fetch(
  session: Session,
  name: string,
  target: string,
  archive: string | undefined,
): Promise<FetchResult> {
  try {
    const { fetchWalFile } = await import('../wal/index.ts');
    const { settings, store } = await openArchive(session, archive);
    return await fetchWalFile({
      name,
      target: path.resolve(session.environment.workingDirectory, target),
      store,
      settings,
    });
  } catch (error) {
    throw asFailure('WAL_FETCH_FAILED', error);
  }
}

function asFailure(code: 'WAL_PUSH_FAILED' | 'WAL_FETCH_FAILED', error: unknown): StructdbError {
  const hint = error instanceof StructdbError ? error.hint : undefined;
  return new StructdbError(code, messageOf(error), { cause: error, ...(hint ? { hint } : {}) });
}

/** The archive that an `archive.json` describes. A store that root makes belongs to the server's user. */
async function openArchive(session: Session, archive: string | undefined) {
  const { readArchiveSettings } = await import('../wal/index.ts');
  const { privateDirectory } = await import('../devdb/address.ts');
  const { openStoreOf } = await import('../storage/open-store.ts');
  const { serverUser } = await import('../programs/system-user.ts');
  const { workingDirectory, uid } = session.environment;
  const settings: ArchiveSettings = await readArchiveSettings(
    archive === undefined
      ? path.join(await privateDirectory(session.project.root), 'archive', 'archive.json')
      : path.resolve(workingDirectory, archive),
  );
  const owner = await serverUser(session.environment).catch(() => undefined);
  return { settings, store: await openStoreOf(settings.store, { uid, owner }) };
}
