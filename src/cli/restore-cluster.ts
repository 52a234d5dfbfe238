import path from 'node:path';
import { baseStoreName, walStoreName } from '../config/store-names.ts';
import { StructdbError } from '../core/errors.ts';
import type { ClusterRestoreOptions, ClusterRestoreResult, TimelineWish } from '../restore/index.ts';
import { describeRestoredCluster, renderClusterPlan, renderRestoredCluster } from './restore-cluster-text.ts';
import type { Session } from './session.ts';
import type { Outcome } from './shell.ts';
import { openStore, storeDirectories } from './store.ts';

/** The flags of a restore with --target. */
export interface ClusterFlags {
  readonly target?: string;
  readonly to?: string;
  readonly toLsn?: string;
  readonly toXid?: string;
  readonly toName?: string;
  readonly toEndOfBackup?: boolean;
  readonly exclusive?: boolean;
  readonly acceptGap?: boolean;
  readonly timeline?: string;
  readonly tablespaceMapping?: readonly string[];
  readonly salvage?: string;
  readonly store?: string;
  readonly identity?: string;
  readonly walStore?: string;
  readonly keepArchiving?: boolean;
  readonly jobs?: number;
  readonly dryRun?: boolean;
  readonly replay?: boolean;
  readonly keepRunning?: boolean;
}

type Flags = ClusterFlags & { readonly target: string };

/** `structdb restore [label] --target <directory>`. */
export async function restoreCluster(session: Session, label: string | undefined, flags: Flags): Promise<Outcome> {
  const { describeClusterPlan, performClusterRestore, planClusterRestore } = await import('../restore/index.ts');
  const options = await optionsOf(session, label, flags);
  const plan = await planClusterRestore(options, session.context);
  const summary = describeClusterPlan(plan);
  if (flags.dryRun) return { result: summary, human: () => renderClusterPlan(summary) };
  const restored = await performClusterRestore(plan, session.context);
  const replay = flags.replay ? await replayHere(session, restored, flags.keepRunning === true) : undefined;
  const result = describeRestoredCluster(summary, restored, replay);
  return { result, human: (style) => renderRestoredCluster(result, style) };
}

async function replayHere(session: Session, restored: ClusterRestoreResult, keepRunning: boolean) {
  const { replayRestored } = await import('../restore/index.ts');
  const replay = await replayRestored(restored, {}, session.context);
  if (!keepRunning) await replay.stop();
  return { replay, running: keepRunning };
}

async function optionsOf(session: Session, label: string | undefined, flags: Flags): Promise<ClusterRestoreOptions> {
  const { parseTarget } = await import('../restore/index.ts');
  const { workingDirectory } = session.environment;
  // Everything that can be wrong about the words, before anything is opened.
  const target = parseTarget({
    time: flags.to,
    lsn: flags.toLsn,
    xid: flags.toXid,
    name: flags.toName,
    endOfBackup: flags.toEndOfBackup,
    exclusive: flags.exclusive,
    acceptGap: flags.acceptGap,
  });
  const timeline = parseTimeline(flags.timeline);
  const tablespaces = parseMapping(flags.tablespaceMapping ?? [], workingDirectory);
  const config = await session.config();
  const storeName = flags.store ?? baseStoreName(config.backup);
  const store = await openStore(session, storeName, flags.identity);
  const walName = flags.walStore ?? (flags.store === undefined ? walStoreName(config.backup) : config.backup.wal.store);
  return {
    store,
    walStore:
      walName === undefined || walName === storeName ? store : await openStore(session, walName, flags.identity),
    label: label ?? 'latest',
    targetDirectory: path.resolve(workingDirectory, flags.target),
    target,
    timeline,
    tablespaces,
    salvage: flags.salvage === undefined ? undefined : path.resolve(workingDirectory, flags.salvage),
    archiving: flags.keepArchiving ? 'keep' : 'off',
    storeDirectories: await storeDirectories(session),
    places: await session.places(),
    jobs: flags.jobs,
  };
}

function parseTimeline(text: string | undefined): TimelineWish | undefined {
  if (text === undefined || text === 'latest' || text === 'current') return text;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new StructdbError('USAGE', `"${text}" is no timeline: latest, current, or a number.`);
}

/** `old=new`; a `=` in a path is written `\=`, as pg_basebackup has it. */
function parseMapping(words: readonly string[], workingDirectory: string): Map<string, string> {
  const mapping = new Map<string, string>();
  for (const word of words) {
    const [old, now, ...rest] = word.split(/(?<!\\)=/).map((half) => half.replaceAll('\\=', '='));
    if (!old || !now || rest.length > 0 || mapping.has(old)) {
      throw new StructdbError('USAGE', `"${word}" is no mapping of a tablespace, or its old place was named before.`, {
        hint: 'Write the old place and the new one: --tablespace-mapping /old/place=/new/place',
      });
    }
    mapping.set(old.replace(/(?<=.)\/+$/, ''), path.resolve(workingDirectory, now));
  }
  return mapping;
}
