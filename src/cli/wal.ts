import path from 'node:path';
import type { Command } from 'commander';
import { walStoreName } from '../config/store-names.ts';
import { EXIT, messageOf, StructdbError } from '../core/errors.ts';
import type { ArchiveSettings, FetchResult, PushResult, ReceiveResult } from '../wal/index.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { actorOf, addIdentityOption, configuredWalStore, openStore } from './store.ts';
import { walSetupCommand } from './wal-setup.ts';

interface ArchiveFlag {
  readonly archive?: string;
}

/** `structdb wal push|fetch|…`: the first two do what `src/entries/wal.ts` does, by hand. */
export function walCommand(shell: Shell): Command {
  return shell.group('wal', 'The archive of the write-ahead log', [
    pushCommand(shell),
    fetchCommand(shell),
    receiveCommand(shell),
    walSetupCommand(shell),
    statusCommand(shell),
    verifyCommand(shell),
  ]);
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

interface ReceiveFlags {
  readonly store?: string;
  readonly slot?: string;
  readonly spool?: string;
  readonly heartbeat: boolean;
}

function receiveCommand(shell: Shell): Command {
  return shell.command<ReceiveFlags>({
    name: 'receive',
    summary: 'Stream WAL into the store until it is stopped: what a disaster can take is about a second',
    details:
      'Needs a role with the attribute REPLICATION. It may run on another host, and beside wal push. Ctrl-C or SIGTERM ends it.',
    example: 'structdb wal receive',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked],
    connects: true,
    configure: (command) =>
      void command
        .option('--store <name>', 'the store (default: backup.wal.store)')
        .option('--slot <name>', 'the replication slot, made when absent (default: backup.wal.slot, "structdb")')
        .option('--spool <folder>', 'where the open segment is kept meanwhile; nothing that matters stays there')
        .option('--no-heartbeat', 'do not write structdb.heartbeat every 10 s'),
    run: async (session, _args, { store, slot, spool, heartbeat }) => {
      const { receiveWal } = await import('../wal/index.ts');
      const { workingDirectory } = session.environment;
      const result: ReceiveResult = await receiveWal(
        {
          connection: await session.connection(),
          store: await openWalStore(session, store),
          places: await session.places(),
          actor: actorOf(session, 'wal receive'),
          slot: slot ?? (await session.config()).backup.wal.slot,
          spoolDirectory: spool === undefined ? undefined : path.resolve(workingDirectory, spool),
          heartbeat,
        },
        session.context,
      );
      const { segments, partials, endLsn } = result;
      return {
        result,
        human: (style) =>
          `${style.green('✓')} Stopped. ${segments} segments and ${partials} uploads of open ones are in ${result.store}` +
          `${endLsn === null ? '' : `, up to ${endLsn}`}; the slot "${result.slot}" keeps what comes now.`,
      };
    },
  });
}

function statusCommand(shell: Shell): Command {
  return shell.command<{ readonly store?: string }>({
    name: 'status',
    summary: 'What the archive has and lacks, what can be brought back, and how archiving goes',
    details: 'Works without a server too: then it tells what the store has.',
    example: 'structdb wal status',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.workToDo, EXIT.brokenPromise],
    connects: true,
    configure: (command) => void command.option('--store <name>', 'the store (default: backup.wal.store)'),
    run: async (session, _args, { store }) => {
      const { walStatus } = await import('../wal/index.ts');
      const { renderWalStatus, statusVerdict } = await import('./wal-text.ts');
      const { backup, dev } = await session.config();
      const result = await walStatus(
        {
          walStore: await openWalStore(session, store),
          stores: await openBaseStores(session),
          connection: await connectionIfAny(session),
          slot: backup.wal.slot,
          recoveryWindowMs: backup.wal.recoveryWindow,
          trimLimitBytes: (await session.privateServer()) && !(await configuredWalStore(session)) ? dev.walLimit : null,
          places: await session.places(),
        },
        session.context,
      );
      return { result, human: (style) => renderWalStatus(result, style), verdict: statusVerdict(result) };
    },
  });
}

function verifyCommand(shell: Shell): Command {
  return shell.command<{ readonly store?: string; readonly quick?: boolean; readonly identity?: string }>({
    name: 'verify',
    summary: 'Read every archived file again: checksums, headers, timelines, holes; needs no server',
    example: 'structdb wal verify --quick',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    configure: (command) =>
      void addIdentityOption(command)
        .option('--store <name>', 'the store (default: backup.wal.store)')
        .option('--quick', 'names only: holes and timelines'),
    run: async (session, _args, { store, quick = false, identity }) => {
      const { verifyWal } = await import('../wal/index.ts');
      const { renderVerified, verifyVerdict } = await import('./wal-text.ts');
      const walStore = await openWalStore(session, store, identity);
      const archives = await verifyWal({ walStore, quick }, session.context);
      return {
        result: { store: walStore.location, archives },
        human: (style) => renderVerified(archives, walStore, style),
        verdict: verifyVerdict(archives),
      };
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
  return {
    settings,
    store: await openStoreOf(settings.store, { uid, owner, searchPath: session.environment.variables.PATH }),
  };
}

/** Where WAL is kept. */
async function openWalStore(session: Session, name: string | undefined, identity?: string) {
  const { backup } = await session.config();
  return openStore(session, name ?? walStoreName(backup), identity);
}

/** Every store that base backups may be in, each once. */
async function openBaseStores(session: Session) {
  const { backup } = await session.config();
  const names = [backup.daily.store, backup.weekly?.store, backup.monthly?.store].filter((name) => name !== undefined);
  return Promise.all([...new Set(names)].map((name) => openStore(session, name)));
}

/** The server may be gone, or never have been named: the store is looked at all the same. */
async function connectionIfAny(session: Session) {
  return session.connection().catch((error: unknown) => {
    if (error instanceof StructdbError && error.code === 'NO_CONNECTION') return undefined;
    throw error;
  });
}
