import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BackupResult, RunOptions, VerifiedBackup } from '../backup/index.ts';
import { walStoreName } from '../config/store-names.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { parseLabel } from '../repository/label.ts';
import { policyCommands } from './backup-policy.ts';
import { renderList, renderMade, renderShow } from './backup-text.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { actorOf, addIdentityOption, addStoreOption, openStore } from './store.ts';

interface DumpFlags {
  readonly store?: string;
  readonly format?: 'custom' | 'directory';
  readonly jobs?: number;
  readonly keepLast?: number;
}

type BackupKind = NonNullable<RunOptions['kind']>;

const WRITES = [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted] as const;

/** `structdb backup [run|list|show|verify|prune|pin|unpin]`; plain `structdb backup` does what is due. */
export function backupCommand(shell: Shell): Command {
  return shell.group(
    'backup',
    'backups of the database and its cluster, in a store',
    [...policyCommands(shell), runCommand(shell), listCommand(shell), showCommand(shell), verifyCommand(shell)],
    { default: 'due' },
  );
}

function runCommand(shell: Shell): Command {
  return shell.command<{ kind: BackupKind } & DumpFlags>({
    name: 'run',
    summary: 'back up now: a dump of the database, or the whole cluster (base, incremental)',
    details:
      'A dump is one consistent snapshot with the roles beside it. A base backup is a copy of the cluster that archived WAL can be replayed onto; an incremental one holds what changed since the last (PostgreSQL 17 and newer).',
    example: 'structdb backup run --kind base',
    exitCodes: WRITES,
    connects: true,
    configure: (command) =>
      void command
        .addOption(new Option('--kind <kind>', 'what to make').choices(['dump', 'base', 'incremental']).default('dump'))
        .option('--store <name>', 'the store of the configuration to write to (default: that of the daily backup)')
        .addOption(new Option('--format <format>', 'of a dump').choices(['custom', 'directory']))
        .option('--jobs <n>', 'connections that dump at the same time, in directory format', positive)
        .option(
          '--keep-last <n>',
          'afterwards remove the older ones made with --keep-last, but n; such a backup counts for no tier',
          positive,
        ),
    run: async (session, _args, { kind, store, keepLast, format, jobs }) => {
      requireFitting(kind, { keepLast, format, jobs });
      const { runBackup } = await import('../backup/index.ts');
      const options = await optionsOf(session, 'backup run', store);
      const walStore = kind === 'dump' ? undefined : await openWalStore(session);
      const result: BackupResult = await runBackup(
        { ...options, kind, walStore, purpose: 'run', keepLast, format, jobs },
        session.context,
      );
      return { result, human: (style) => renderMade(result, style) };
    },
  });
}

function listCommand(shell: Shell): Command {
  return shell.command<{ store?: string }>({
    name: 'list',
    summary: 'the backups of the store, oldest first; needs no server',
    example: 'structdb backup list',
    configure: (command) => void addStoreOption(command),
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    run: async (session, _args, { store: name }) => {
      const { listStore } = await import('../backup/index.ts');
      const store = await openStore(session, name);
      const backups = await listStore({ store });
      return { result: { store: store.location, backups }, human: () => renderList(backups, store.location) };
    },
  });
}

function showCommand(shell: Shell): Command {
  return shell.command<{ store?: string }>({
    name: 'show <label>',
    summary: 'what one backup holds; needs no server',
    example: 'structdb backup show 20261124T020000.000Z-dump-structdb',
    configure: (command) => void addStoreOption(command),
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise],
    run: async (session, [label], { store }) => {
      const { showBackup } = await import('../backup/index.ts');
      const result = await showBackup({ store: await openStore(session, store), label: String(label) });
      return { result, human: () => renderShow(result) };
    },
  });
}

function verifyCommand(shell: Shell): Command {
  return shell.command<{ deep?: boolean; store?: string; identity?: string }>({
    name: 'verify [label]',
    summary: 'read a backup again: every object, its SHA-256, the table of contents; needs no server',
    details:
      'Without a label: the newest of each database and cluster in the store. The outcome is kept beside the backup.\n--deep also unpacks everything into /var/tmp (or STRUCTDB_SCRATCH) and lets pg_verifybackup, pg_combinebackup and pg_restore look at it.',
    example: 'structdb backup verify --deep',
    configure: (command) => void addIdentityOption(addStoreOption(command)).option('--deep', 'unpack and look inside'),
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    run: async (session, [label], { deep, store, identity }) => {
      const { verifyBackups } = await import('../backup/index.ts');
      const options = { store: await openStore(session, store, identity), places: await session.places(), deep };
      const backups = await verifyBackups(
        { ...options, label: typeof label === 'string' ? label : undefined },
        session.context,
      );
      return { result: { backups }, human: (style) => renderVerified(backups, style), verdict: verdictOf(backups) };
    },
  });
}

/** @throws USAGE */
function requireFitting(kind: BackupKind, { keepLast, format, jobs }: DumpFlags): void {
  const given = Object.entries({ '--keep-last': keepLast, '--format': format, '--jobs': jobs });
  const wrong = given.find(([, value]) => value !== undefined)?.[0];
  if (kind !== 'dump' && wrong !== undefined) throw new StructdbError('USAGE', `${wrong} is for dumps.`);
  if (format === 'custom' && (jobs ?? 1) > 1) {
    throw new StructdbError('USAGE', '--jobs needs --format directory: a custom dump is one stream.');
  }
}

/** Where the server's WAL goes: the store of backup.wal, or the one of the daily backup. */
async function openWalStore(session: Session) {
  return openStore(session, walStoreName((await session.config()).backup));
}

async function optionsOf(session: Session, command: string, store?: string) {
  return {
    connection: await session.connection(),
    store: await openStore(session, store),
    storeName: store,
    places: await session.places(),
    policy: (await session.config()).backup,
    actor: actorOf(session, command),
  };
}

function renderVerified(backups: readonly VerifiedBackup[], style: Style): string {
  return backups
    .flatMap(({ label, ok, problems, deep, contentsRead }) =>
      ok
        ? [
            `${style.green('✓')} ${label}: every object ${deep ? 'and what is inside ' : ''}is as it was written${contentsRead ? '' : '; its contents were not read (encrypted: --identity <file>)'}`,
          ]
        : [`${style.red('✗')} ${label}`, ...problems.map((problem) => `    ${problem}`)],
    )
    .join('\n');
}

function verdictOf(backups: readonly VerifiedBackup[]): StructdbError | undefined {
  const broken = backups.filter(({ ok }) => !ok);
  if (broken.length === 0) return undefined;
  // A cluster is not replaced by a dump.
  const kinds = broken.map(({ label }) => (parseLabel(label)?.kind === 'dump' ? 'dump' : 'base'));
  const commands = [...new Set(kinds)].map((kind) => `structdb backup run${kind === 'dump' ? '' : ' --kind base'}`);
  return new StructdbError('BACKUP_CORRUPT', `${broken.map(({ label }) => label).join(', ')} cannot be relied on.`, {
    details: broken.flatMap(({ problems }) => problems),
    hint: `Make a new one now: ${commands.join('   and: ')}`,
  });
}

function positive(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a number from 1 on is needed.');
}
