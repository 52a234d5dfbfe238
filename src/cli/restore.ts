import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { type ClusterFlags, restoreCluster } from './restore-cluster.ts';
import { renderPlan, renderRestored } from './restore-text.ts';
import type { Session } from './session.ts';
import type { Outcome, Shell } from './shell.ts';
import { addIdentityOption, addStoreOption, openStore } from './store.ts';

interface RestoreFlags extends ClusterFlags {
  readonly database?: string;
  readonly url?: string;
  readonly store?: string;
  readonly identity?: string;
  readonly dryRun?: boolean;
}

/** Flags that only a restore of a cluster knows, as they are typed. */
const CLUSTER_FLAGS: Readonly<Record<string, keyof ClusterFlags>> = {
  '--to': 'to',
  '--to-lsn': 'toLsn',
  '--to-xid': 'toXid',
  '--to-name': 'toName',
  '--to-end-of-backup': 'toEndOfBackup',
  '--exclusive': 'exclusive',
  '--accept-gap': 'acceptGap',
  '--timeline': 'timeline',
  '--tablespace-mapping': 'tablespaceMapping',
  '--salvage': 'salvage',
  '--wal-store': 'walStore',
  '--keep-archiving': 'keepArchiving',
  '--jobs': 'jobs',
  '--replay': 'replay',
  '--keep-running': 'keepRunning',
};

/** `structdb restore [label] --database <name> | --target <directory>`. */
export function restoreCommand(shell: Shell): Command {
  return shell.command<RestoreFlags>({
    name: 'restore [label]',
    summary: 'a backup back: a dump into a database, or a whole cluster into a directory, to any point in time',
    details:
      'The label is one of "structdb backup list", or latest. With --database, a dump goes into a database that does not exist ' +
      'yet, or an empty one, on the server of --url. With --target, a base backup goes into a new data directory, and WAL is ' +
      'replayed onto it; without a label, the newest backup from which the target can be reached is taken. The source may be gone.',
    example: 'structdb restore --target /srv/restored --to "2026-11-25 14:30:00+01:00" --dry-run',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void addIdentityOption(addStoreOption(command))
        .option('--database <name>', 'restore a dump into this database')
        .option('--target <directory>', 'restore a cluster into this directory: absent, or empty')
        .option('--dry-run', 'show the plan; create nothing')
        .optionsGroup('Where replay stops (with --target; by default at the end of the archive):')
        .option('--to <time>', 'at an instant with its offset from UTC: "2026-11-25 14:30:00+01:00"')
        .option('--to-lsn <lsn>', 'at a position in the WAL')
        .option('--to-xid <number>', 'at the end of a transaction')
        .option('--to-name <name>', 'at a restore point (pg_create_restore_point)')
        .option('--to-end-of-backup', 'as soon as the backup is consistent')
        .option('--exclusive', 'just before that, so that a mistake is not repeated')
        .option('--accept-gap', 'where a WAL segment is missing: everything before it')
        .option('--timeline <which>', 'latest, current (that of the backup), or a number')
        .optionsGroup('How a cluster is restored (with --target):')
        .option('--tablespace-mapping <old=new>', 'another place for a tablespace; may be repeated', collect)
        .option('--salvage <pg_wal>', 'replay what the pg_wal of the dead server has beyond the archive')
        .option('--wal-store <name>', 'the store of the WAL (by default that of backup.wal)')
        .option(
          '--keep-archiving',
          'archive on, for a server that replaces the lost one (by default archive_mode is off)',
        )
        .option('--jobs <n>', 'how many archives are unpacked at once', positive)
        .option('--replay', 'start it isolated, replay, promote, and stop it again')
        .addOption(new Option('--keep-running', 'with --replay: leave it running').implies({ replay: true }))
        .optionsGroup('Options:'),
    run: async (session, [label], flags) => {
      const { database, target } = flags;
      if (database !== undefined && target !== undefined) {
        throw new StructdbError('USAGE', '--database and --target exclude each other.', {
          hint: '--database takes a dump, --target a base backup.',
        });
      }
      if (target !== undefined) {
        refuse(flags.url === undefined ? [] : ['--url'], 'a restore into a directory, which needs no server');
        return restoreCluster(session, typeof label === 'string' ? label : undefined, { ...flags, target });
      }
      const given = Object.entries(CLUSTER_FLAGS).filter(([, name]) => isGiven(flags[name]));
      refuse(
        given.map(([flag]) => flag),
        'a restore into a database: it needs --target',
      );
      if (database === undefined || typeof label !== 'string') {
        throw new StructdbError('USAGE', database === undefined ? 'Where to? Nothing is named.' : 'Which backup?', {
          hint: 'structdb restore latest --database <name>   (a dump), or: structdb restore --target <directory>   (a cluster)',
        });
      }
      return restoreDatabase(session, label, { ...flags, database });
    },
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

function refuse(flags: readonly string[], what: string): void {
  if (flags.length === 0) return;
  throw new StructdbError('USAGE', `${flags.join(', ')} ${flags.length > 1 ? 'do' : 'does'} not belong to ${what}.`);
}

async function restoreDatabase(
  session: Session,
  label: string,
  { database, store, identity, dryRun }: RestoreFlags & { readonly database: string },
): Promise<Outcome> {
  const options = {
    store: await openStore(session, store, identity),
    connection: await session.connection(),
    database,
    places: await session.places(),
    label,
  };
  if (dryRun) {
    const { describePlan, planDumpRestore } = await import('../restore/index.ts');
    const plan = describePlan(await planDumpRestore(options, session.context));
    return { result: plan, human: () => renderPlan(plan) };
  }
  const { restoreDump } = await import('../restore/index.ts');
  const result = await restoreDump(options, session.context);
  return { result, human: (style) => renderRestored(result, style) };
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return number;
}
