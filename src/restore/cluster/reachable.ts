import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatInstant } from '../../core/instant.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { latestTimeline, type Reach, reachOf } from '../../repository/reach.ts';
import {
  basePoint,
  type ClusterBackup,
  endingBefore,
  missingOwnWal,
  type NewestTransactions,
  readReach,
  type WalView,
  walNames,
} from '../../repository/recovery-window.ts';
import { findRestorePoint, findTransaction, findWaldump, type TransactionEnd } from '../../repository/wal-contents.ts';
import { LATEST } from '../choose.ts';
import type { TimelineWish } from './options.ts';
import { describeTarget, microsOf, type RecoveryTarget } from './target.ts';

/** A backup from which the target can be reached, and how. */
export interface Route {
  readonly backup: ClusterBackup;
  readonly reach: Reach;
  /** Newest commit that replay will meet at most; undefined where it could not be read, or there is none. */
  readonly newestCommit: TransactionEnd | undefined;
  /** The segment that `reach` ends before is there, but its content is damaged. */
  readonly damaged: string | undefined;
}

export interface RouteOptions {
  readonly label: string;
  readonly target: RecoveryTarget;
  readonly timeline: TimelineWish | undefined;
  readonly places: SearchPlaces;
  /** Reads a segment of a reach, salvaged ones included. */
  readonly readerFor: (reach: Reach) => (name: string) => Promise<Buffer>;
}

/** Why a backup does not do, for the reader. */
type Refusal = {
  readonly code: 'TARGET_UNREACHABLE' | 'WAL_MISSING' | 'WAL_CORRUPT';
  readonly why: string;
  readonly hint?: string;
};

/**
 * The newest of these backups (oldest first) from which the target can be reached.
 * @throws TARGET_UNREACHABLE, WAL_MISSING or WAL_CORRUPT with the reason of the newest; nothing was touched
 */
export async function findRoute(
  backups: readonly ClusterBackup[],
  view: WalView,
  options: RouteOptions,
  context: RunContext,
): Promise<Route> {
  const search = new RouteSearch(view, options, context);
  let first: Refusal | undefined;
  for (const backup of [...backups].reverse()) {
    const found = await search.from(backup);
    if ('backup' in found) return found;
    // A hole behind the newest backup is what must be told; that an older one ends before it is no help.
    first = isGap(first) ? first : isGap(found) ? found : (first ?? found);
  }
  const { code, why, hint } = first!;
  throw new StructdbError(code, `${capital(describeTarget(options.target))} cannot be reached: ${why}.`, {
    ...(hint === undefined ? {} : { hint }),
  });
}

class RouteSearch {
  readonly #view: WalView;
  readonly #options: RouteOptions;
  readonly #context: RunContext;

  constructor(view: WalView, options: RouteOptions, context: RunContext) {
    this.#view = view;
    this.#options = options;
    this.#context = context;
  }

  async from(backup: ClusterBackup): Promise<Route | Refusal> {
    const { manifest } = backup;
    const { label } = backup.entry;
    const reach = this.#reach(backup);
    if ('code' in reach) return reach;
    const own = missingOwnWal(manifest, reach);
    if (own !== undefined) return missing(`the archive lacks ${own}, which ${label} needs to become consistent`);
    const sound = await this.#soundPart(reach, manifest.walSegmentBytes);
    const {
      newest,
      damaged = sound.damaged,
      ...read
    } = await readReach(
      sound.reach,
      manifest,
      this.#view,
      this.#context,
      this.#options.places,
      this.#options.readerFor(reach),
    );
    const refusal = await this.#judge(backup, read.reach, newest, damaged);
    return refusal ?? { backup, reach: read.reach, newestCommit: newest?.commit, damaged };
  }

  /** Where a gap is accepted, damage counts as one: every segment is read, because replay could not go on behind it. */
  async #soundPart(reach: Reach, segmentSizeBytes: number): Promise<{ reach: Reach; damaged: string | undefined }> {
    const { target } = this.#options;
    if (target.kind !== 'latest' || !target.acceptGap) return { reach, damaged: undefined };
    const read = this.#options.readerFor(reach);
    for (const name of walNames(reach)) {
      stopIfInterrupted(this.#context);
      const damaged = await read(name).then(
        () => false,
        (error: unknown) => {
          if (error instanceof StructdbError && error.code === 'WAL_CORRUPT') return true;
          throw error;
        },
      );
      if (damaged) return { reach: endingBefore(reach, name, segmentSizeBytes), damaged: name };
    }
    return { reach, damaged: undefined };
  }

  #reach({ manifest, entry }: ClusterBackup): Reach | Refusal {
    const { timeline: wish = 'latest', label } = this.#options;
    const { listing, histories } = this.#view;
    const base = basePoint(manifest);
    const timeline = wish === 'latest' ? latestTimeline(base, histories) : wish === 'current' ? base.timeline : wish;
    if (timeline !== base.timeline) {
      const fork = histories.get(timeline)?.find((ancestor) => ancestor.timeline === base.timeline);
      if (!fork)
        return unreachable(`timeline ${timeline} does not descend from timeline ${base.timeline} of ${entry.label}`);
      if (fork.switchLsn < base.stopLsn) {
        const hint = label === LATEST ? undefined : 'Leave the label out: an older backup may do.';
        return unreachable(
          `timeline ${timeline} left timeline ${base.timeline} at ${formatLsn(fork.switchLsn)}, before ${entry.label} ended (${formatLsn(base.stopLsn)})`,
          hint,
        );
      }
    }
    return reachOf(base, listing, histories, manifest.walSegmentBytes, timeline);
  }

  /** undefined when the target can be reached from this backup. */
  async #judge(
    backup: ClusterBackup,
    reach: Reach,
    newest: NewestTransactions | undefined,
    damaged: string | undefined,
  ): Promise<Refusal | undefined> {
    const refusal = await this.#judgeTarget(backup, reach, newest);
    if (refusal?.code !== 'WAL_MISSING' || damaged === undefined) return refusal;
    return {
      ...refusal,
      code: 'WAL_CORRUPT',
      why: refusal.why.replace('the archive lacks', 'the archive has a damaged'),
    };
  }

  async #judgeTarget(
    backup: ClusterBackup,
    reach: Reach,
    newest: NewestTransactions | undefined,
  ): Promise<Refusal | undefined> {
    const { target } = this.#options;
    switch (target.kind) {
      case 'immediate':
        return undefined;
      case 'latest':
        return reach.missing === undefined || target.acceptGap ? undefined : hole(reach);
      case 'lsn':
        return judgeLsn(target.lsn, backup, reach);
      case 'time':
        return judgeTime(target, backup, reach, newest);
      default:
        return this.#judgeRecord(target, backup, reach);
    }
  }

  /** Where a transaction ended or a restore point was set is asked of the WAL itself. */
  async #judgeRecord(
    target: Extract<RecoveryTarget, { kind: 'xid' | 'name' }>,
    { manifest, entry }: ClusterBackup,
    reach: Reach,
  ): Promise<Refusal | undefined> {
    const waldump = await findWaldump(this.#options.places, manifest.server.major);
    // Without pg_waldump PostgreSQL itself finds out, and says so.
    if (!waldump) return undefined;
    const reader = { waldump, segmentSizeBytes: manifest.walSegmentBytes, read: this.#options.readerFor(reach) };
    const names = walNames(reach);
    const found =
      target.kind === 'xid'
        ? await findTransaction(reader, names, target.xid, this.#context)
        : await findRestorePoint(reader, names, target.name, this.#context);
    if (found && found.lsn >= reach.base.stopLsn) return undefined;
    const what = target.kind === 'xid' ? 'the end of that transaction' : 'a restore point of that name';
    const where = `the WAL from the end of ${entry.label} (${formatLsn(reach.base.stopLsn)}) to ${formatLsn(reach.endLsn)}`;
    const behind = reach.missing === undefined ? '' : `; the archive lacks ${reach.missing}`;
    return unreachable(`${where} does not hold ${what}${behind}`);
  }
}

function isGap(refusal: Refusal | undefined): boolean {
  return refusal?.code === 'WAL_MISSING' || refusal?.code === 'WAL_CORRUPT';
}

function judgeLsn(lsn: Lsn, { entry }: ClusterBackup, reach: Reach): Refusal | undefined {
  if (lsn < reach.base.stopLsn) {
    return unreachable(
      `${entry.label} becomes consistent only at ${formatLsn(reach.base.stopLsn)}`,
      'Name an LSN behind that, or an older backup.',
    );
  }
  if (lsn < reach.endLsn) return undefined;
  if (reach.missing !== undefined) return hole(reach);
  return unreachable(`the archive ends at ${formatLsn(reach.endLsn)}`, 'Restore what there is: without --to-lsn.');
}

function judgeTime(
  target: Extract<RecoveryTarget, { kind: 'time' }>,
  { manifest, entry }: ClusterBackup,
  reach: Reach,
  newest: NewestTransactions | undefined,
): Refusal | undefined {
  const from = formatInstant(manifest.stoppedAt);
  if (target.at.getTime() < new Date(manifest.stoppedAt).getTime()) {
    return unreachable(`the recovery window of ${entry.label} begins at ${from}, when the backup ended`);
  }
  // Could not be read here: PostgreSQL itself will find out, and say so.
  if (newest === undefined) return undefined;
  const wanted = microsOf(target);
  const { end, commit } = newest;
  // Replay stops at the first transaction that ended behind the target; without one it does not know that it has arrived.
  if (end && (target.inclusive ? end.atMicros > wanted : end.atMicros >= wanted)) return undefined;
  if (reach.missing !== undefined) return hole(reach, commit);
  const last =
    commit === undefined
      ? 'nothing was committed behind the backup'
      : `the newest commit in the archive is of ${formatInstant(commit.at)}`;
  return unreachable(
    `the recovery window is ${from} to ${commit ? formatInstant(commit.at) : from}: ${last}, and replay cannot tell that it has passed an instant without a later one`,
    'What was committed until then is all there is: restore it without --to.',
  );
}

function hole(reach: Reach, commit?: TransactionEnd): Refusal {
  const until = commit === undefined ? '' : ` (newest commit ${formatInstant(commit.at)})`;
  return missing(
    `the archive lacks ${reach.missing}; from ${reach.base.label} everything up to ${formatLsn(reach.endLsn)} can be reached${until}`,
    'Look for the segment (structdb wal verify; the pg_wal of the server: --salvage), or restore what is before it: --accept-gap',
  );
}

function unreachable(why: string, hint?: string): Refusal {
  return { code: 'TARGET_UNREACHABLE', why, ...(hint === undefined ? {} : { hint }) };
}

function missing(why: string, hint?: string): Refusal {
  return { code: 'WAL_MISSING', why, ...(hint === undefined ? {} : { hint }) };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
