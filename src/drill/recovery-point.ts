import { formatCount, formatDuration } from '../core/units.ts';

/** What the drill knows about the end of what was recovered, and about the source. */
export interface RecoveryFacts {
  /** By the source's clock where it answered. */
  readonly disaster: Date;
  readonly objectiveMs: number;
  /** False for an instant of the past that the drill itself chose. */
  readonly judged: boolean;
  /** Transactions that the source had committed at the disaster and that the copy lacks; undefined where it cannot be asked. */
  readonly lostCommits: number | undefined;
  /** The newest commit that was replayed. */
  readonly lastCommitAt: Date | undefined;
  /** What structdb.heartbeat says in the copy. */
  readonly heartbeatAt: Date | undefined;
  /** When the source last wrote to the newest segment that is durable; undefined where that is not known. */
  readonly segmentClosedAt: Date | undefined;
  /** When the backup itself ended: the least that is covered. */
  readonly backupStoppedAt: Date;
}

/** The recovery point of a drill: the disaster minus the newest instant that is provably covered. */
export interface RecoveryPoint {
  readonly provable: true;
  readonly judged: boolean;
  readonly objectiveMs: number;
  readonly met: boolean;
  readonly disasterAt: string;
  readonly coveredUntil: string;
  /** An upper bound: what was lost was committed after `coveredUntil`. 0 where nothing was lost. */
  readonly lossMs: number;
  /** null where the source could not be asked. */
  readonly lostCommits: number | null;
  /** What proves `coveredUntil`. */
  readonly basis: 'source' | 'heartbeat' | 'last commit' | 'segment' | 'backup';
  readonly message: string;
}

/**
 * Judges what a disaster at that instant would have cost. A source that has committed nothing which the copy lacks has
 * lost nothing, however long ago its last commit was (an idle source); without its answer the newest replayed commit or
 * heartbeat is what is proven.
 */
export function recoveryPoint(facts: RecoveryFacts): RecoveryPoint {
  const { disaster, objectiveMs, judged, lostCommits } = facts;
  const proofs = [
    { basis: 'backup', at: facts.backupStoppedAt },
    { basis: 'segment', at: facts.segmentClosedAt },
    { basis: 'last commit', at: facts.lastCommitAt },
    { basis: 'heartbeat', at: facts.heartbeatAt },
    { basis: 'source', at: lostCommits === 0 ? disaster : undefined },
  ] as const;
  const known = proofs.flatMap(({ basis, at }) =>
    at ? [{ basis, ms: Math.min(at.getTime(), disaster.getTime()) }] : [],
  );
  const newest = known.reduce((best, proof) => (proof.ms >= best.ms ? proof : best));
  const lossMs = disaster.getTime() - newest.ms;
  return {
    provable: true,
    judged,
    objectiveMs,
    met: lossMs <= objectiveMs,
    disasterAt: disaster.toISOString(),
    coveredUntil: new Date(newest.ms).toISOString(),
    lossMs,
    lostCommits: lostCommits ?? null,
    basis: newest.basis,
    message: judged ? describe(newest.basis, lossMs, lostCommits) : 'not judged: the instant was chosen in the past',
  };
}

function describe(basis: RecoveryPoint['basis'], lossMs: number, lostCommits: number | undefined): string {
  if (basis === 'source') return 'nothing lost: the copy has every transaction that the source had committed';
  const loss = `at most ${formatDuration(lossMs)}`;
  if (lostCommits !== undefined) {
    const commits = `${formatCount(lostCommits)} ${lostCommits === 1 ? 'commit' : 'commits'}`;
    return `${loss}: ${commits} of the source ${lostCommits === 1 ? 'is' : 'are'} not in the copy`;
  }
  return `${loss}: the source cannot be asked, and the newest proof is ${PROOF[basis]}`;
}

const PROOF: Readonly<Record<Exclude<RecoveryPoint['basis'], 'source'>, string>> = {
  backup: 'the end of the backup itself',
  segment: 'the end of the newest archived segment',
  'last commit': 'the last commit that was replayed',
  heartbeat: 'the heartbeat',
};
