import { formatDuration } from '../../../core/units.ts';
import type { Fact } from '../../../monitor/facts/fact.ts';
import type { WalStatusResult } from '../../../wal/index.ts';
import type { Area } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, now, unproven } from './proof.ts';

const WINDOW: Claim = {
  id: 'recovery.window',
  claim: 'Every instant that is promised can be reached',
  share: 0.6,
  remedy: {
    what: 'A base backup that is older than the window, and all WAL since; a young one grows into it by itself',
    command: 'structdb backup run --kind base',
  },
};

const ARCHIVE: Claim = {
  id: 'recovery.archive',
  claim: 'WAL leaves the server as it is written, and none is missing',
  share: 0.4,
  remedy: { what: 'WAL that arrives in its store without a hole', command: 'structdb wal status' },
};

/** How much of the promised span can be reached, and whether its end keeps up with the server. */
export function recoveryProofs({ facts, at }: Pick<Evidence, 'facts' | 'at'>): Area {
  const archived = judgeArchive(facts.wal);
  return {
    id: 'recovery',
    title: 'Recovery window',
    proofs: [
      from(WINDOW, facts.window, (window) => {
        if (window === null)
          return unproven(WINDOW, 'No base backup with its WAL: only whole backups can be restored.');
        const { from: begin, to, objectiveMs } = window;
        // Nothing was committed after `to` that an archive which keeps up would not have.
        const end = archived.good ? at.getTime() : Math.min(at.getTime(), to.getTime());
        const wantedFrom = at.getTime() - objectiveMs;
        const reachedMs = Math.max(0, end - Math.max(begin.getTime(), wantedFrom));
        const share = reachedMs / objectiveMs;
        return now(
          WINDOW,
          share,
          `${formatDuration(reachedMs)} of the last ${formatDuration(objectiveMs)} can be reached, from ${begin.toISOString()} on.`,
        );
      }),
      from(ARCHIVE, facts.wal, () => now(ARCHIVE, archived.good ? 1 : 0, archived.found)),
    ],
  };
}

/** The archive has everything that the server finished, without a hole. */
function judgeArchive(wal: Fact<WalStatusResult | null>): { readonly good: boolean; readonly found: string } {
  const not = (found: string) => ({ good: false, found });
  if (!wal.ok) return not(wal.error);
  if (wal.value === null) return not('WAL is not kept.');
  const { server, serverError, clusters, work } = wal.value;
  if (server === null) return not(serverError ?? 'The server was not asked.');
  const own = clusters.find(({ systemIdentifier }) => systemIdentifier === server.systemIdentifier);
  if (own === undefined || own.timelines.length === 0) return not('Nothing of this server is archived.');
  const hole = own.missing.find(({ inWindow }) => inWindow);
  if (hole) return not(`Segment ${hole.segment} is missing.`);
  if (work.length > 0) return not(work[0]!);
  return { good: true, found: `Everything up to ${own.timelines.at(-1)!.newest} is archived, without a hole.` };
}
