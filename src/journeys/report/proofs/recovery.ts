import { formatDuration } from '../../../core/units.ts';
import { instant } from '../../../report/page.ts';
import type { Area } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, now, unproven } from './proof.ts';

const WINDOW: Claim = {
  id: 'recovery.window',
  claim: 'Every instant that is promised can be reached',
  share: 0.6,
  remedy: {
    what: 'A base backup that is older than the promised window, and all WAL since',
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
export function recoveryProofs({ facts, promises, at }: Pick<Evidence, 'facts' | 'promises' | 'at'>): Area {
  const archive = promises.filter(({ id }) => id === 'wal.archiving' || id === 'wal.complete');
  const kept = archive.filter(({ state }) => state === 'kept').length;
  const keepsUp = kept === 2;
  return {
    id: 'recovery',
    title: 'Recovery window',
    proofs: [
      from(WINDOW, facts.window, (window) => {
        if (window === null)
          return unproven(WINDOW, 'No base backup with its WAL: only whole backups can be restored.');
        const { from: begin, to, objectiveMs } = window;
        // What an archive that keeps up does not have was not committed.
        const end = keepsUp ? at.getTime() : Math.min(at.getTime(), to.getTime());
        const reachedMs = Math.max(0, end - Math.max(begin.getTime(), at.getTime() - objectiveMs));
        const [reached, promised] = [formatDuration(reachedMs), formatDuration(objectiveMs)];
        // A start that is near needs no command but time.
        const wholeOn = instant(new Date(begin.getTime() + objectiveMs).toISOString());
        const growing = {
          what: `Time: kept as it is, the window is whole on ${wholeOn}`,
          command: 'structdb wal status',
        };
        return now(
          keepsUp ? { ...WINDOW, remedy: growing } : WINDOW,
          reachedMs / objectiveMs,
          `${reached} of the last ${promised} can be reached, from ${instant(begin.toISOString())} on.`,
        );
      }),
      archive.length === 0
        ? unproven(ARCHIVE, 'The archive was not looked at.')
        : now(ARCHIVE, kept / 2, archive.map(({ message }) => message).join(' ')),
    ],
  };
}
